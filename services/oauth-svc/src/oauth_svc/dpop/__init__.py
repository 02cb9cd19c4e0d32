"""Proofs of clients that they have the key to which their tokens are bound (RFC 9449)."""
