"""What the gateway does when it hears of something."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.authn.api_keys import ApiKeyCache
from authz_gateway.authn.sessions import SessionCache
from authz_gateway.authz.policy import CurrentPolicy
from authz_gateway.upstream.websocket import WebSockets
from shared.contracts.changes import EVERYTHING, POLICY, listed, uid_of
from shared.contracts.events import ReceivedEvent
from shared.errors import Unavailable

log = structlog.get_logger()

PATTERNS = (
    "model.api_key.*",
    "model.permission.*",
    "model.restriction.*",
    "model.user.updated",
    "system.session.revoked",
    "system.user.password.*",
)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Keeps policy, sessions and API keys true, and WebSockets to those who may have them."""

    policy: CurrentPolicy
    sessions: SessionCache
    api_keys: ApiKeyCache
    websockets: WebSockets

    async def heard(self, event: ReceivedEvent) -> None:
        """Forgets what the event changed."""
        match event.name.split("."):
            case ["model", "permission" | "restriction", _]:
                self.policy.mark_outdated()
            case ["model", "user", "updated"]:
                self.sessions.invalidate_user(event.record["uid"])
                self.api_keys.invalidate_user(event.record["uid"])
            case ["model", "api_key", _]:
                self.api_keys.invalidate_key(event.record["kid"])
            case ["system", "session", "revoked"] if sid := event.record.get("sid"):
                self.sessions.invalidate_session(sid)
            case ["system", "session" | "user", *_]:
                self.sessions.invalidate_user(event.record["user"]["uid"])
        user = event.record.get("user", event.record)
        if uid := user.get("uid"):
            self.websockets.reauthorize_user(uid)

    def invalidate_user(self, uid: str) -> None:
        """Something about a user changed, whatever it is."""
        self.sessions.invalidate_user(uid)
        self.api_keys.invalidate_user(uid)
        self.websockets.reauthorize_user(uid)

    def told(self, changes: Iterable[str]) -> None:
        """Forgets what a service says that it changed; the event of it comes later."""
        for subject in changes:
            if (uid := uid_of(subject)) is not None:
                self.invalidate_user(uid)
            elif subject == POLICY:
                self.policy.mark_outdated()
            else:
                self.invalidate_all()

    async def missed(self) -> None:
        """Forgets whatever an event might have changed."""
        self.invalidate_all()

    def invalidate_all(self) -> None:
        """Whatever is held may be outdated."""
        self.policy.mark_outdated()
        self.sessions.invalidate_all()
        self.api_keys.invalidate_all()
        self.websockets.reauthorize_all()


POLICY_SECONDS = 1.0
"""How long an answer that tells of another policy waits, at most, until that is in force."""


class CarriedChanges:
    """What answers that are carried here say that they changed: in force before the client reads.

    An event tells the same to all gateways a little later.
    """

    def __init__(
        self, hearing: Subscriptions, registry: CollectorRegistry, seconds: float = POLICY_SECONDS
    ) -> None:
        self._hearing = hearing
        self._seconds = seconds
        self._carried = Counter(
            "gateway_carried_changes",
            "Changes that answers told of on their way through.",
            ("subject", "outcome"),
            registry=registry,
        )

    def __call__(self, header: str) -> Awaitable[None] | None:
        """Forgets what the header lists; returns what the answer has to wait for, if anything."""
        waiting = None
        for subject in listed(header):
            if (uid := uid_of(subject)) is not None:
                self._hearing.invalidate_user(uid)
                self._carried.labels("user", "done").inc()
            elif subject == POLICY:
                waiting = self._newer_policy()
            else:
                self._hearing.invalidate_all()
                waiting = self._newer_policy()
                self._carried.labels(EVERYTHING, "done").inc()
        return waiting

    async def _newer_policy(self) -> None:
        """Returns once the change is in force, or when that takes too long: never raises."""
        outcome = "done"
        try:
            async with asyncio.timeout(self._seconds):
                await self._hearing.policy.load()
        except (Unavailable, TimeoutError) as error:
            outcome = "late"
            self._hearing.policy.mark_outdated()
            log.warning("policy_late", error=repr(error))
        self._carried.labels(POLICY, outcome).inc()
