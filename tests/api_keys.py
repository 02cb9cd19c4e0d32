"""A member who signs his calls with API keys."""

import time
from dataclasses import dataclass

from tests.authenticator import Authenticator
from tests.client import Client
from tests.internal import tables_of_identity
from tests.unit.gateway.builders import signed_with, strictly_signed_with

API_KEYS = "resource/api_keys"

_nonces = [0]


def a_nonce() -> int:
    """One that was not used yet, of about this moment."""
    _nonces.append(max(time.time_ns() // 1_000_000, _nonces[-1] + 1))
    return _nonces[-1]


@dataclass(frozen=True, slots=True)
class Owner:
    """A member with a second factor, whose codes count as often as he likes, and his browser."""

    browser: Client
    uid: str
    authenticator: Authenticator

    async def form(self, **more: str) -> dict[str, str]:
        async with tables_of_identity(self.browser.system) as tables:
            await tables.execute("UPDATE second_factors SET last_step = 0 WHERE uid = $1", self.uid)
        return {"totp_code": self.authenticator.code(), **more}

    async def new_key(self, **more: str) -> "Key":
        form = await self.form(**{"algorithm": "HS256", **more})
        answer = await self.browser.post(API_KEYS, form)
        assert answer.status == 201
        return Key(answer.body["kid"], answer.body["secret"])


@dataclass(frozen=True, slots=True)
class Key:
    kid: str
    secret: str

    def signed(self, nonce: object = None) -> dict[str, str]:
        return signed_with(self.kid, self.secret, a_nonce() if nonce is None else nonce)

    def signed_as_a_whole(
        self, method: str, path: str, query: str = "", body: bytes = b"", nonce: object = None
    ) -> dict[str, str]:
        """`path` is below /api/v2/barong."""
        nonce = a_nonce() if nonce is None else nonce
        path = f"/api/v2/barong/{path}"
        return strictly_signed_with(self.kid, self.secret, nonce, method, path, query, body)
