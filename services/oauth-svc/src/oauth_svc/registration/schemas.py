"""What registration answers (RFC 7591, 3.2.1; RFC 7592, 3)."""

from dataclasses import dataclass
from typing import Any

from oauth_svc.clients.models import RegisteredClient
from oauth_svc.protocol.client_metadata import metadata_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """Where a client manages its registration, and with what."""

    uri: str
    token: str


def to_registered(
    registered: RegisteredClient, secret: str | None, managed: Managed
) -> dict[str, Any]:
    """The client information response. A secret is shown only when it is made; it never expires."""
    return {
        **metadata_of(registered.client),
        "client_id_issued_at": int(registered.created_at.timestamp()),
        **({} if secret is None else {"client_secret": secret}),
        **({"client_secret_expires_at": 0} if registered.secrets else {}),
        "registration_access_token": managed.token,
        "registration_client_uri": managed.uri,
    }
