"""Passwords: what makes a good one, and how it is kept."""
