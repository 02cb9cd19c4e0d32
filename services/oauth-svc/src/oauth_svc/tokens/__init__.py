"""Tokens: issued, refreshed, inspected and revoked; claims about users."""
