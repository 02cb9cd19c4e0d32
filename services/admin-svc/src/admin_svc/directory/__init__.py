"""The directory: a searchable projection of all users, built from events."""
