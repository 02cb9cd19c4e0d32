"""API keys as resource-svc knows them, and their owners as identity-svc does."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry

from authz_gateway.held_answers import HELD_SECONDS, HeldAnswers, seconds_of_token
from shared.contracts.api_keys import SigningKey
from shared.contracts.sessions import UserToken

MAX_API_KEYS = 20_000


class KeySource(Protocol):
    """What the cache asks of resource-svc."""

    async def api_key(self, kid: str) -> SigningKey:
        """The key; raises `NotFound`."""
        ...


class OwnerSource(Protocol):
    """What the cache asks of identity-svc."""

    async def user_token(self, uid: str) -> UserToken:
        """The user with a token for upstreams; raises `NotFound`."""
        ...


class ApiKeyCache:
    """Keys and their owners, in memory only."""

    def __init__(
        self,
        resource: KeySource,
        identity: OwnerSource,
        registry: CollectorRegistry,
        *,
        capacity: int = MAX_API_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resource = resource
        self._identity = identity
        self._keys = HeldAnswers[SigningKey](
            "api_key",
            registry,
            subjects=_subjects_of_key,
            seconds=lambda _key, _now: HELD_SECONDS,
            capacity=capacity,
            clock=clock,
        )
        self._owners = HeldAnswers[UserToken](
            "api_key_owner",
            registry,
            subjects=_subjects_of_owner,
            seconds=_held_for,
            capacity=capacity,
            clock=clock,
        )

    async def by_kid(self, kid: str) -> SigningKey | None:
        """The key, None when there is none; raises `Unavailable`."""
        return await self._keys.get(kid, partial(self._resource.api_key, kid))

    async def owner(self, uid: str) -> UserToken | None:
        """The user with a token for upstreams, None when he is gone; raises `Unavailable`."""
        return await self._owners.get(uid, partial(self._identity.user_token, uid))

    def forget_key(self, kid: str) -> None:
        """The key changed or is gone."""
        self._keys.forget(f"kid:{kid}")

    def forget_user(self, uid: str) -> None:
        """The user changed, and perhaps his keys with him."""
        self._keys.forget(f"uid:{uid}")
        self._owners.forget(f"uid:{uid}")

    def forget_everything(self) -> None:
        """Events were missed."""
        self._keys.forget_everything()
        self._owners.forget_everything()


def _subjects_of_key(key: SigningKey) -> tuple[str, str]:
    return f"kid:{key.kid}", f"uid:{key.uid}"


def _subjects_of_owner(owner: UserToken) -> tuple[str]:
    return (f"uid:{owner.user.uid}",)


def _held_for(owner: UserToken, now: datetime) -> float:
    return seconds_of_token(owner.expires_at, now)
