"""The key of per-client limits: the user, or the network of an anonymous call."""

from authz_gateway.http.request import Request
from shared.values.addresses import subscriber


def client_key(request: Request) -> str:
    """The uid of an authenticated caller, else the IPv4 address or the IPv6 /64."""
    if request.uid is not None:
        return request.uid
    return request.address_text if request.address.version == 4 else subscriber(request.address)
