"""Turns events into e-mail."""
