"""Connections to upstreams: forwards requests and returns responses."""
