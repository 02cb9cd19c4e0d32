"""Public keys of clients: which are sound, and those behind a `jwks_uri`."""
