"""The pages of a log-in by mail."""
