"""Limits to attempts at secrets, shared by all replicas."""
