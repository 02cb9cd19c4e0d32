"""Signed tokens: of users, of services, and the public keys that verify them."""
