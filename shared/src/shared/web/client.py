"""The client of a request, and of the request that an internal call was made for."""

from typing import Any

from aiohttp import web
from marshmallow import ValidationError, fields

from shared.contracts.activities import Client
from shared.web.context import CLIENT_ADDRESS
from shared.web.fields import INVALID


def client_of(request: web.Request) -> Client:
    """The address and the User-Agent of the request."""
    return Client.seen(request[CLIENT_ADDRESS], request.headers.get("User-Agent", ""))


class ClientField(fields.Field[Client]):
    """`Client.to_internal()`, in internal calls; required."""

    def __init__(self) -> None:
        super().__init__(required=True)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Client:
        try:
            return Client.of(value)
        except (KeyError, TypeError, ValueError):
            raise ValidationError(INVALID) from None
