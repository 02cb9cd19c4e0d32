// Signs a call as docs/consumers/signing.md shows and, where it is to be sent, sends it with Go's own client.
// One call on standard input, what became of it on standard output; both are JSON.
package main

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/remitly-oss/httpsig-go"
)

type order struct {
	Call struct {
		Method, URL string
		Headers     map[string]string
		Body        *string
	}
	Kid, Key, Algorithm string
	Send                bool
}

type outcome struct {
	Headers map[string]string `json:"headers"`
	Status  int               `json:"status,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

// noting keeps the headers that a request is sent with, and sends it where there is a next.
type noting struct {
	next http.RoundTripper
	seen map[string]string
}

func (n *noting) RoundTrip(request *http.Request) (*http.Response, error) {
	for name := range request.Header {
		n.seen[name] = request.Header.Get(name)
	}
	if n.next != nil {
		return n.next.RoundTrip(request)
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("null"))}, nil
}

func main() {
	var asked order
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	var private crypto.PrivateKey
	if asked.Algorithm == string(httpsig.Algo_ED25519) {
		block, _ := pem.Decode([]byte(asked.Key))
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		must(err)
		private = parsed
	}
	wire := &noting{nil, map[string]string{}}
	if asked.Send {
		wire.next = http.DefaultTransport
	}
	http.DefaultTransport = wire // which the client signs for
	client, err := signed(asked.Kid, httpsig.Algorithm(asked.Algorithm), []byte(asked.Key), private)
	must(err)

	var body io.Reader
	if asked.Call.Body != nil {
		body = strings.NewReader(*asked.Call.Body)
	}
	request, err := http.NewRequest(asked.Call.Method, asked.Call.URL, body)
	must(err)
	for name, value := range asked.Call.Headers {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(err)
	told := outcome{Headers: wire.seen}
	if asked.Send {
		told.Status, told.Body = response.StatusCode, text
	}
	must(json.NewEncoder(os.Stdout).Encode(told))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
