"""Authenticates, authorizes and forwards every call."""
