"""The OpenID Connect and OAuth 2.1 provider."""
