"""Routing: from the path of a request to its upstream."""
