"""Finds out who signed a call."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from multidict import MultiMapping

from authz_gateway.api_keys.errors import UnknownApiKey
from authz_gateway.api_keys.nonces import UsedNonces
from authz_gateway.api_keys.rules import (
    could_exist,
    moment_of,
    require_able,
    require_active,
    require_signature,
    signed,
)
from authz_gateway.sessions.errors import InvalidSession
from shared.contracts.api_keys import SigningKey
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateApiKey:
    """Takes a signed call's headers for what they are worth."""

    api_keys: ApiKeys
    nonces: UsedNonces
    lifetime: int
    """Of a nonce, to either side of this moment, milliseconds."""
    clock: Callable[[], int] = wall_clock

    async def __call__(self, headers: MultiMapping[str]) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` that the client is told.

        The nonce is used up last, so that a call answered with 503 can be repeated as it is.
        """
        call = signed(headers)
        key = await self.api_keys.by_kid(call.kid) if could_exist(call.kid) else None
        if key is None:
            raise UnknownApiKey
        moment = moment_of(call.nonce, self.clock(), self.lifetime)
        require_signature(key, call)
        require_active(key)
        owner = await self.api_keys.owner(key.uid)
        if owner is None:
            raise InvalidSession
        require_able(owner.user)
        # The owner may have taken time to find: what expired meanwhile is not remembered any more.
        now = self.clock()
        moment_of(call.nonce, now, self.lifetime)
        self.nonces.use(key.kid, moment, now)
        return key, owner
