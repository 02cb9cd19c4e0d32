"""A client and requests that the tables of the protocol change."""

from collections.abc import Callable
from typing import Any

import pytest

from oauth_svc.protocol.client import Client

MakeClient = Callable[..., Client]


@pytest.fixture(scope="session")
def make_client() -> MakeClient:
    """A confidential client with changes."""

    def make(**changes: Any) -> Client:
        values = {
            "client_id": "app",
            "name": "An app",
            "authentication": "client_secret_basic",
            "redirect_uris": ["https://app.example.com/callback"],
            "post_logout_redirect_uris": [],
            "grant_types": ["authorization_code", "refresh_token"],
            "scopes": ["openid", "profile", "offline_access", "orders"],
            "resources": ["https://api.example.com"],
            "first_party": False,
            "jwks": None,
            "backchannel_logout_uri": None,
            "access_token_seconds": 300,
            "refresh_token_seconds": 3600,
            **changes,
        }
        return Client(**values)

    return make
