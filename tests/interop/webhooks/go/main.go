// Says of each line (secret, id, timestamp, signature, body in base64) whether it verifies.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func verify(secret, id, timestamp, signature, encoded string) error {
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	webhook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return err
	}
	headers := http.Header{}
	headers.Set("webhook-id", id)
	headers.Set("webhook-timestamp", timestamp)
	headers.Set("webhook-signature", signature)
	return webhook.Verify(body, headers)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		field := strings.Split(lines.Text(), "\t")
		if verify(field[0], field[1], field[2], field[3], field[4]) == nil {
			fmt.Println("valid")
		} else {
			fmt.Println("invalid")
		}
	}
}
