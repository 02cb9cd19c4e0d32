"""Permissions, restrictions and whitelinks."""
