"""The public keys by which others verify tokens."""
