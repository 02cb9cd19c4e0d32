"""Erasing what activities say of users."""
