"""The state of all users, from which a new subscriber begins."""
