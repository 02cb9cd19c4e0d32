"""Devices without a browser of their own, whose users log in elsewhere (RFC 8628)."""
