// A client by Go's net/http, with its cookie jar: a new user's first minutes.
// Prints each step with its status, as JSON. See `test_clients.py` for what it is told.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	form   = "application/x-www-form-urlencoded"
	asJSON = "application/json"
)

var (
	client *http.Client
	steps  [][2]any
	csrf   string
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func call(step, method, path, contentType string, body io.Reader) []byte {
	request := must(http.NewRequest(method, os.Getenv("GATEWAY")+path, body))
	request.Header.Set("User-Agent", os.Getenv("USER_AGENT"))
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if csrf != "" {
		request.Header.Set("X-CSRF-Token", csrf)
	}
	answer := must(client.Do(request))
	defer answer.Body.Close()
	steps = append(steps, [2]any{step, answer.StatusCode})
	return must(io.ReadAll(answer.Body))
}

func encoded(pairs ...string) io.Reader {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return strings.NewReader(values.Encode())
}

func mailedToken() string {
	for {
		if token, err := os.ReadFile(os.Getenv("TOKEN_FILE")); err == nil && len(token) > 0 {
			return string(token)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The document as it is written: Go sends a body of unknown length in chunks.
func document() (string, io.Reader) {
	reader, writer := io.Pipe()
	parts := multipart.NewWriter(writer)
	go func() {
		parts.WriteField("doc_type", "Passport")
		parts.WriteField("doc_number", "AA 1234")
		parts.WriteField("doc_expire", "3020-01-22")
		part := must(parts.CreateFormFile("upload[]", "passport.png"))
		io.Copy(part, must(os.Open(os.Getenv("UPLOAD"))))
		parts.Close()
		writer.Close()
	}()
	return parts.FormDataContentType(), reader
}

func main() {
	client = &http.Client{Jar: must(cookiejar.New(nil)), Timeout: 20 * time.Second}
	email, password := os.Getenv("EMAIL"), os.Getenv("PASSWORD")
	call("sign up", "POST", "/identity/users", form, encoded("email", email, "password", password))
	call("confirm", "POST", "/identity/users/email/confirm_code", form,
		encoded("token", mailedToken()))
	var session struct {
		Token string `json:"csrf_token"`
	}
	json.Unmarshal(call("log in", "POST", "/identity/sessions", form,
		encoded("email", email, "password", password)), &session)
	label := func() io.Reader { return bytes.NewBufferString(`{"key":"client","value":"golang"}`) }
	call("label without token", "POST", "/resource/labels", asJSON, label())
	csrf = session.Token
	call("label", "POST", "/resource/labels", asJSON, label())
	contentType, body := document()
	var made struct {
		Upload struct{ URL string }
	}
	json.Unmarshal(call("upload", "POST", "/resource/documents", contentType, body), &made)
	link := must(url.Parse(made.Upload.URL))
	file := call("download", "GET", link.RequestURI(), "", nil)
	var me struct{ Email string }
	json.Unmarshal(call("me", "GET", "/resource/users/me", "", nil), &me)
	call("log out", "DELETE", "/identity/sessions", "", nil)
	digest := sha256.Sum256(file)
	told := map[string]any{"steps": steps, "email": me.Email,
		"digest": hex.EncodeToString(digest[:])}
	fmt.Println(string(must(json.Marshal(told))))
}
