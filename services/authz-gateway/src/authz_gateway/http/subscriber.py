"""Whose share of what is limited a call takes: its user's, or its subscriber's."""

from authz_gateway.http.request import Request
from shared.web.client_address import subscriber


def client_of(request: Request) -> str:
    """The user where the call shows who that is, else the subscriber that it comes from."""
    if request.uid is not None:
        return request.uid
    return request.shown_address if request.address.version == 4 else subscriber(request.address)
