// A relying party with go-oidc and x/oauth2: it writes where its user has to go, and reads where
// they came back.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

type party struct {
	Issuer      string `json:"issuer"`
	ClientID    string `json:"client_id"`
	Secret      string `json:"secret"`
	RedirectURI string `json:"redirect_uri"`
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	var given party
	if err := json.Unmarshal([]byte(os.Getenv("RELYING_PARTY")), &given); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	provider := must(oidc.NewProvider(ctx, given.Issuer))
	config := oauth2.Config{
		ClientID:     given.ClientID,
		ClientSecret: given.Secret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  given.RedirectURI,
		Scopes:       []string{oidc.ScopeOpenID, "email", oidc.ScopeOfflineAccess},
	}
	verifier := oauth2.GenerateVerifier()
	fmt.Println(config.AuthCodeURL("a-state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n")))

	line := must(bufio.NewReader(os.Stdin).ReadString('\n'))
	callback := must(url.Parse(line[:len(line)-1]))
	if callback.Query().Get("state") != "a-state" {
		log.Fatal("another state")
	}
	code := callback.Query().Get("code")
	token := must(config.Exchange(ctx, code, oauth2.VerifierOption(verifier)))
	raw, _ := token.Extra("id_token").(string)
	idToken := must(provider.Verifier(&oidc.Config{ClientID: given.ClientID}).Verify(ctx, raw))
	if idToken.Nonce != "n" {
		log.Fatal("another nonce")
	}
	user := must(provider.UserInfo(ctx, oauth2.StaticTokenSource(token)))
	token.Expiry = token.Expiry.AddDate(-1, 0, 0)
	refreshed := must(config.TokenSource(ctx, token).Token())
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"sub":       idToken.Subject,
		"user":      map[string]any{"sub": user.Subject, "email": user.Email},
		"refreshed": refreshed.AccessToken != token.AccessToken,
	})
}
