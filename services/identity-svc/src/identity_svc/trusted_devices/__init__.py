"""Trusted devices: browsers that are not asked for a code of the second factor for some days."""
