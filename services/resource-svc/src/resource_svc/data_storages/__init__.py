"""Data storages: JSON texts that a user keeps once and for all, each under a title."""
