"""Data storages: JSON texts that a user stores under a title, each only once."""
