"""Keeping the directory: versioned puts from events and owners' answers, and rebuilding it."""
