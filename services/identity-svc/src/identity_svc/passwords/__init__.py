"""Passwords: what makes a good one, how it is hashed, and how it changes."""
