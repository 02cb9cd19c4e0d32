// An upstream by Go's net/http: notes each request that it read to its end as a line of JSON in the
// file $SEEN, and answers as the second segment of the path says. Listens on 127.0.0.1:$PORT.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const later = 30 * time.Millisecond

var (
	seen  *os.File
	guard sync.Mutex
)

type request struct {
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	Connection int         `json:"connection"`
	Headers    [][2]string `json:"headers"`
	Trailers   [][2]string `json:"trailers"`
	Size       int         `json:"size"`
	Body       string      `json:"body"`
}

func pairs(headers http.Header) [][2]string {
	found := [][2]string{}
	for name, values := range headers {
		for _, value := range values {
			found = append(found, [2]string{name, latin1([]byte(value))})
		}
	}
	return found
}

func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

func note(r *http.Request, body []byte) {
	_, port, _ := net.SplitHostPort(r.RemoteAddr)
	connection, _ := strconv.Atoi(port)
	headers := append(pairs(r.Header), [2]string{"Host", r.Host})
	for _, coding := range r.TransferEncoding {
		headers = append(headers, [2]string{"Transfer-Encoding", coding})
	}
	beginning := body[:min(len(body), 4096)]
	line, _ := json.Marshal(request{r.Method, r.RequestURI, connection, headers,
		pairs(r.Trailer), len(body), latin1(beginning)})
	guard.Lock()
	defer guard.Unlock()
	seen.Write(append(line, '\n'))
}

func echo(w http.ResponseWriter, r *http.Request) {
	text := r.RequestURI + "\n"
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	io.WriteString(w, text)
}

func page(w http.ResponseWriter, r *http.Request) {
	text, _ := url.QueryUnescape(r.URL.RawQuery)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	time.Sleep(later)
	io.WriteString(w, text)
}

func handle(w http.ResponseWriter, r *http.Request) {
	var behaviour string
	if parts := strings.Split(r.RequestURI, "/"); len(parts) > 2 {
		behaviour = parts[2]
	}
	w.Header().Set("X-Seen", r.RequestURI)
	if behaviour == "early" {
		note(r, nil)
		echo(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	note(r, body)
	switch behaviour {
	case "page":
		page(w, r)
	case "204":
		w.WriteHeader(204)
		io.WriteString(w, "a body")
	case "304":
		w.WriteHeader(304)
		io.WriteString(w, "a body")
	case "hints":
		for name, value := range map[string]string{
			"Link":                             "</style.css>; rel=preload",
			"Server":                           "go",
			"Access-Control-Allow-Origin":      "https://evil.example",
			"Access-Control-Allow-Credentials": "true",
			"X-Request-Id":                     "of the upstream",
		} {
			w.Header().Set(name, value)
		}
		w.WriteHeader(103)
		echo(w, r)
	case "trailers":
		w.Header().Set("Trailer", "X-Checksum")
		io.WriteString(w, r.RequestURI+"\n")
		w.Header().Set("X-Checksum", "1")
		w.Header().Set(http.TrailerPrefix+"Set-Cookie", "a=trailer")
	case "big":
		w.Write(make([]byte, 3_000_000))
	case "close":
		w.Header().Set("Connection", "close")
		echo(w, r)
	default:
		echo(w, r)
	}
}

func main() {
	var err error
	seen, err = os.OpenFile(os.Getenv("SEEN"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	idle := 75
	if given, err := strconv.Atoi(os.Getenv("KEEP_ALIVE_SECONDS")); err == nil {
		idle = given
	}
	server := http.Server{
		Addr:        "127.0.0.1:" + os.Getenv("PORT"),
		Handler:     http.HandlerFunc(handle),
		IdleTimeout: time.Duration(idle) * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
