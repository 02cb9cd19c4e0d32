"""Releases: their version, and all files of one."""
