"""Token exchange: an API calls another one for the user who called it (RFC 8693)."""
