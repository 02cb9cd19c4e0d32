"""Sessions as identity-svc resolves them."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry

from authz_gateway.expiring import Entry
from authz_gateway.held_answers import HeldAnswers, seconds_of_token
from shared.contracts.sessions import ResolvedSession, session_key

MAX_SESSIONS = 100_000


class SessionSource(Protocol):
    """What the cache asks of identity-svc."""

    async def resolve_session(self, key: str) -> ResolvedSession:
        """The session kept under `key`; raises `NotFound`."""
        ...

    async def resolve_session_by_sid(self, sid: str) -> ResolvedSession:
        """The session with this id; raises `NotFound`."""
        ...

    async def revoke_session(self, sid: str) -> None:
        """Ends a session."""
        ...


class SessionCache:
    """Living sessions by cookie and by `sid`."""

    def __init__(
        self,
        identity: SessionSource,
        registry: CollectorRegistry,
        *,
        capacity: int = MAX_SESSIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._held = HeldAnswers[ResolvedSession](
            "session",
            registry,
            subjects=_subjects,
            seconds=_held_for,
            capacity=capacity,
            clock=clock,
        )

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        """The session of a cookie, None when there is none; raises `Unavailable`."""
        key = session_key(cookie)
        held_as = f"key:{key}"
        return self._held.held(held_as) or await self._held.get(
            held_as, partial(self._identity.resolve_session, key)
        )

    def entry(self, cookie: str) -> Entry[ResolvedSession] | None:
        """The session of a cookie as it is held, and for how long; None when it is not."""
        return self._held.entry(f"key:{session_key(cookie)}")

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        """The session behind a bearer, None when it ended; raises `Unavailable`."""
        ask = partial(self._identity.resolve_session_by_sid, sid)
        return await self._held.get(f"sid:{sid}", ask)

    async def revoke(self, sid: str) -> None:
        """Ends a session, everywhere; raises `Unavailable`."""
        await self._identity.revoke_session(sid)
        self.forget_session(sid)

    def forget_session(self, sid: str) -> None:
        """The session changed or ended."""
        self._held.forget(f"sid:{sid}")

    def forget_user(self, uid: str) -> None:
        """The user changed, or all his sessions ended."""
        self._held.forget(f"uid:{uid}")

    def forget_everything(self) -> None:
        """Events were missed."""
        self._held.forget_everything()


def _subjects(session: ResolvedSession) -> tuple[str, str]:
    return f"sid:{session.sid}", f"uid:{session.user.uid}"


def _held_for(session: ResolvedSession, now: datetime) -> float:
    left = (session.expires_at - now).total_seconds()
    return min(left, seconds_of_token(session.token_expires_at, now))
