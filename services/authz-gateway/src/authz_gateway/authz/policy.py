"""The current policy: compiled once, and loaded again when it has changed."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.routing.route_table import Route
from shared.contracts.policy import Policy
from shared.contracts.services import ADMIN
from shared.errors import Unavailable
from shared.policy.permissions import CompiledPermissions, Verdict
from shared.policy.restrictions import CompiledRestrictions

_MAX_CACHED_VERDICTS = 10_000
"""For each policy."""


class CompiledPolicy:
    """An immutable policy: permissions and restrictions. `superseded`: a newer one is in force."""

    def __init__(self, policy: Policy) -> None:
        self.version = policy.version
        self.superseded = False
        self.restrictions = CompiledRestrictions(policy.restrictions)
        self._permissions = CompiledPermissions(policy.permissions)
        self._verdicts: dict[tuple[str, str, str], Verdict] = {}
        self._decide_case_insensitive: Callable[[str, str, str], Verdict] = lru_cache(
            _MAX_CACHED_VERDICTS
        )(CompiledPermissions(policy.permissions, any_case=True).decide)

    def decide(self, role: str, verb: str, path: str) -> Verdict:
        """The verdict about a role, a verb and a canonical path."""
        key = (role, verb, path)
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= _MAX_CACHED_VERDICTS:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._permissions.decide(role, verb, path)
        return verdict

    def verdict(self, role: str, verb: str, path: str, route: Route) -> Verdict:
        """Like `decide`, for a path of this route: its upstream's paths may be case-insensitive."""
        if route.case_insensitive:
            return self._decide_case_insensitive(role, verb, path)
        return self.decide(role, verb, path)


POLL_SECONDS = 5.0
"""A change takes effect after this time at the latest, even when its event is late."""

POLL_SECONDS_WITHOUT_EVENTS = 0.5
"""While no events arrive, polling alone makes changes effective within a second."""

log = structlog.get_logger()


class PolicySource(Protocol):
    """The part of admin-svc's API that returns the policy."""

    async def policy_other_than(self, known: int | None) -> Policy | None:
        """The current policy, None when its version is `known`; raises `Unavailable`."""
        ...


class EventListener(Protocol):
    """Receives events; `listening`: whether it is connected."""

    listening: bool


class CurrentPolicy:
    """The policy that was loaded last. `on_change` is called after each new one is in force."""

    def __init__(
        self,
        admin: PolicySource,
        on_change: Callable[[], None] = lambda: None,
        *,
        poll_seconds_without_events: float = POLL_SECONDS_WITHOUT_EVENTS,
    ) -> None:
        self._admin = admin
        self._on_change = on_change
        self._poll_seconds_without_events = poll_seconds_without_events
        self._compiled: CompiledPolicy | None = None
        self._confirmed = -math.inf
        self._outdated = asyncio.Event()
        self._loading = asyncio.Lock()
        self._load_began = -math.inf

    @property
    def age(self) -> float:
        """Seconds since admin-svc last confirmed this policy; infinite before the first."""
        return time.monotonic() - self._confirmed

    def get(self) -> CompiledPolicy:
        """The policy; raises `Unavailable` before the first was loaded."""
        if self._compiled is None:
            raise Unavailable(ADMIN)
        return self._compiled

    async def check(self) -> None:
        """Readiness check: raises `Unavailable` while there is no policy."""
        self.get()

    def mark_outdated(self) -> None:
        """Makes `keep_current` load the policy soon: there may be a newer one."""
        self._outdated.set()

    async def keep_current(self, listener: EventListener) -> None:
        """Loads the policy on changes and periodically; raises `Unavailable` when that fails."""
        while True:
            self._outdated.clear()  # first: a change during the load causes another load
            await self.load()
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    POLL_SECONDS if listener.listening else self._poll_seconds_without_events
                ):
                    await self._outdated.wait()

    async def load(self) -> None:
        """Loads the policy, so that the one in force is at least as new as this call.

        Concurrent calls share one load. Raises `Unavailable`.
        """
        asked = time.monotonic()
        async with self._loading:
            if self._load_began < asked:
                await self._load()

    async def _load(self) -> None:
        known = None if self._compiled is None else self._compiled.version
        asked = self._load_began = time.monotonic()
        policy = await self._admin.policy_other_than(known)
        if policy is None:
            self._confirmed = asked
            return
        before, self._compiled = self._compiled, CompiledPolicy(policy)
        if before is not None:
            before.superseded = True
        self._confirmed = asked
        log.info(
            "policy_loaded",
            version=policy.version,
            permissions=len(policy.permissions),
            restrictions=len(policy.restrictions),
        )
        self._on_change()


def register_policy_metrics(
    policy: CurrentPolicy, listener: EventListener, registry: CollectorRegistry
) -> None:
    """Adds metrics of the policy's age, and of whether events arrive."""
    Gauge(
        "gateway_policy_age_seconds",
        "Time since admin-svc last confirmed the policy in force; +Inf before there is one.",
        registry=registry,
    ).set_function(lambda: policy.age)
    Gauge(
        "gateway_hears_events",
        "1 while changes are heard of at once, 0 while the gateway has to ask for them.",
        registry=registry,
    ).set_function(lambda: float(listener.listening))
