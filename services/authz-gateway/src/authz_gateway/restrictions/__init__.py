"""Whose addresses are kept out."""
