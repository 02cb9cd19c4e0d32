"""Releases: their version, and everything that is handed out with them."""
