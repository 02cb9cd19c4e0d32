"""Imports users of an existing Barong from its tables as CSV."""
