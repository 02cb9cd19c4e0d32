"""The first page of an account."""
