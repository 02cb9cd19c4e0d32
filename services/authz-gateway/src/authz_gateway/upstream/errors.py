"""What goes wrong between the gateway and upstreams."""


class UpstreamBroken(ConnectionError):
    """What the upstream sent is no answer, or not all of one."""
