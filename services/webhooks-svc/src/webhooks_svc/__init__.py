"""Delivers events over HTTP to subscribers without a broker."""
