"""Trusted devices of a member."""
