"""Metadata by which clients configure themselves."""
