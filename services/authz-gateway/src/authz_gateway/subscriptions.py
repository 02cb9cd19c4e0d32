"""Reactions to events and to changes that services announce."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.authn.access_tokens import AccessTokenCache
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
    "system.oauth.token.revoked",
    "system.session.revoked",
    "system.user.password.*",
)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Invalidates policy, sessions and API keys, and re-authorizes WebSockets."""

    policy: CurrentPolicy
    sessions: SessionCache
    api_keys: ApiKeyCache
    access_tokens: AccessTokenCache
    websockets: WebSockets

    async def on_event(self, event: ReceivedEvent) -> None:
        """Invalidates what the event changed."""
        match event.name.split("."):
            case ["model", "permission" | "restriction", _]:
                self.policy.mark_outdated()
            case ["model", "user", "updated"]:
                self.sessions.invalidate_user(event.record["uid"])
                self.api_keys.invalidate_user(event.record["uid"])
                self.access_tokens.invalidate_user(event.record["uid"])
            case ["system", "oauth", *_]:
                self.access_tokens.invalidate_grant(event.record["grant"])
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
        """Invalidates everything about a user."""
        self.sessions.invalidate_user(uid)
        self.api_keys.invalidate_user(uid)
        self.access_tokens.invalidate_user(uid)
        self.websockets.reauthorize_user(uid)

    def on_changes(self, changes: Iterable[str]) -> None:
        """Invalidates what a service says it changed; the event arrives later."""
        for subject in changes:
            if (uid := uid_of(subject)) is not None:
                self.invalidate_user(uid)
            elif subject == POLICY:
                self.policy.mark_outdated()
            else:
                self.invalidate_all()

    async def on_missed_events(self) -> None:
        """Invalidates everything, because events were missed."""
        self.invalidate_all()

    def invalidate_all(self) -> None:
        """Invalidates everything."""
        self.policy.mark_outdated()
        self.sessions.invalidate_all()
        self.api_keys.invalidate_all()
        self.access_tokens.invalidate_all()
        self.websockets.reauthorize_all()


POLICY_SECONDS = 1.0
"""How long a response that announces a new policy waits at most until that policy is in force."""


class CarriedChanges:
    """Applies changes that a response announces, before the client gets that response.

    All gateways receive an event about the same change a little later.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        registry: CollectorRegistry,
        seconds: float = POLICY_SECONDS,
    ) -> None:
        self._subscriptions = subscriptions
        self._seconds = seconds
        self._counter = Counter(
            "gateway_carried_changes",
            "Changes that answers told of on their way through.",
            ("subject", "outcome"),
            registry=registry,
        )
        for subject in ("user", POLICY, EVERYTHING):
            self._counter.labels(subject, "done")  # exported as 0 from the start
        self._counter.labels(POLICY, "late")

    def __call__(self, header: str) -> Awaitable[None] | None:
        """Applies the changes in the header; returns what the response must wait for, or None."""
        waiting = None
        for subject in listed(header):
            if (uid := uid_of(subject)) is not None:
                self._subscriptions.invalidate_user(uid)
                self._counter.labels("user", "done").inc()
            elif subject == POLICY:
                waiting = self._load_policy()
            else:
                self._subscriptions.invalidate_all()
                waiting = self._load_policy()
                self._counter.labels(EVERYTHING, "done").inc()
        return waiting

    async def _load_policy(self) -> None:
        """Loads the policy, but returns after `seconds` at the latest; never raises."""
        outcome = "done"
        try:
            async with asyncio.timeout(self._seconds):
                await self._subscriptions.policy.load()
        except (Unavailable, TimeoutError) as error:
            outcome = "late"
            self._subscriptions.policy.mark_outdated()
            log.warning("policy_late", error=repr(error))
        self._counter.labels(POLICY, outcome).inc()
