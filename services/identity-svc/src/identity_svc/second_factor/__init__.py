"""The second factor: codes that a user's authenticator makes of the time (RFC 6238)."""
