"""Whose session a call belongs to."""
