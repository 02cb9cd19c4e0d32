"""Errors of connections to upstreams."""


class UpstreamBroken(ConnectionError):
    """The upstream sent a malformed or an incomplete response."""
