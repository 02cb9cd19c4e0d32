"""Finds out who signed a call."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from authz_gateway.api_keys.errors import UnknownApiKey
from authz_gateway.api_keys.rules import (
    moment_of,
    require_able,
    require_active,
    require_signature,
    signed,
)
from authz_gateway.api_keys.strict_signature import require_body
from authz_gateway.call import Call
from authz_gateway.sessions.errors import InvalidSession
from shared.contracts.api_keys import Nonce, SigningKey, is_kid
from shared.contracts.sessions import UserToken


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class ApiKeys(Protocol):
    """API keys and their owners; every call may raise `Unavailable`."""

    async def by_kid(self, kid: str) -> SigningKey | None:
        """The key."""
        ...

    async def owner(self, uid: str) -> UserToken | None:
        """The user with a token for upstreams."""
        ...


class Nonces(Protocol):
    """Nonces, each of which works once."""

    async def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired; raises `NonceUsed` or `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateApiKey:
    """Takes a signed call for what it is worth."""

    api_keys: ApiKeys
    nonces: Nonces
    lifetime: int
    """Of a nonce, to either side of this moment, milliseconds."""
    max_body_bytes: int
    """Of a body that is signed, and therefore read before anything of it is forwarded."""
    clock: Callable[[], int] = wall_clock

    async def __call__(self, call: Call) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` that the client is told.

        The nonce is used up last, so that none of these refusals costs one. A call answered with
        503 is repeated with a new one: what comes later, audit and upstream, answers so as well.
        """
        given = signed(call.headers)
        key = await self.api_keys.by_kid(given.kid) if is_kid(given.kid) else None
        if key is None:
            raise UnknownApiKey
        moment = moment_of(given.nonce, self.clock(), self.lifetime)
        require_signature(key, call, given)
        require_active(key)
        owner = await self.api_keys.owner(key.uid)
        if owner is None:
            raise InvalidSession
        require_able(owner.user)
        if given.strict:
            await require_body(call, self.max_body_bytes)
        # All this may have taken time: what expired meanwhile is not remembered any more.
        now = self.clock()
        moment_of(given.nonce, now, self.lifetime)
        await self.nonces.use(Nonce(key.kid, moment), now)
        return key, owner
