"""Phones, and their codes."""
