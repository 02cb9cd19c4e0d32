"""Exports: everything that the system holds about a user, for that user."""
