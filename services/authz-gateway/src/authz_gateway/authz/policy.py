"""The policy in force: compiled once, and loaded again whenever it changed."""

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

_REMEMBERED = 10_000
"""Verdicts; those of another policy go with it."""


class CompiledPolicy:
    """An unchanging policy: its permissions and its restrictions.

    `superseded`: another one is in force.
    """

    def __init__(self, policy: Policy) -> None:
        self.version = policy.version
        self.superseded = False
        self.restrictions = CompiledRestrictions(policy.restrictions)
        self._permissions = CompiledPermissions(policy.permissions)
        self._verdicts: dict[tuple[str, str, str], Verdict] = {}
        self._decide_in_any_case: Callable[[str, str, str], Verdict] = lru_cache(_REMEMBERED)(
            CompiledPermissions(policy.permissions, any_case=True).decide
        )

    def decide(self, role: str, verb: str, path: str) -> Verdict:
        """What a role may do with a verb at a canonical path."""
        key = (role, verb, path)
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._permissions.decide(role, verb, path)
        return verdict

    def verdict(self, role: str, verb: str, path: str, route: Route) -> Verdict:
        """The same at a path of this route, whose upstream may take no notice of case."""
        if route.case_insensitive:
            return self._decide_in_any_case(role, verb, path)
        return self.decide(role, verb, path)


POLL_SECONDS = 5.0
"""An event may still wait at its sender: how late a change is felt then, at most."""

POLL_SECONDS_WHEN_DEAF = 0.5
"""Without events this alone makes changes felt within a second."""

log = structlog.get_logger()


class PolicySource(Protocol):
    """What is asked of admin-svc."""

    async def policy_other_than(self, known: int | None) -> Policy | None:
        """Permissions and restrictions as they are now, unless they have the version `known`.

        Raises `Unavailable`.
        """
        ...


class Ear(Protocol):
    """The source of changes; it knows whether it hears of them."""

    listening: bool


class CurrentPolicy:
    """The last policy that could be loaded; `swapped` is told of each, once it is in force."""

    def __init__(self, admin: PolicySource, swapped: Callable[[], None] = lambda: None) -> None:
        self._admin = admin
        self._swapped = swapped
        self._compiled: CompiledPolicy | None = None
        self._confirmed = -math.inf
        self._outdated = asyncio.Event()
        self._loading = asyncio.Lock()
        self._load_began = -math.inf

    @property
    def age(self) -> float:
        """Seconds since admin-svc last said that this is the policy; infinite before the first."""
        return time.monotonic() - self._confirmed

    def get(self) -> CompiledPolicy:
        """The policy; raises `Unavailable` before the first was loaded."""
        if self._compiled is None:
            raise Unavailable(ADMIN)
        return self._compiled

    async def check(self) -> None:
        """Readiness: raises `Unavailable` while there is no policy."""
        self.get()

    def changed(self) -> None:
        """There is, or may be, a newer policy."""
        self._outdated.set()

    async def keep_fresh(self, ear: Ear) -> None:
        """Loads the policy again and again; raises `Unavailable` when that fails."""
        while True:
            self._outdated.clear()  # first: a change during the load asks for another load
            await self.load()
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    POLL_SECONDS if ear.listening else POLL_SECONDS_WHEN_DEAF
                ):
                    await self._outdated.wait()

    async def load(self) -> None:
        """Returns with a policy in force that is at least as new as this call.

        However many wait, it is loaded once for all of them. Raises `Unavailable`.
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
        self._swapped()


def register_policy_metrics(policy: CurrentPolicy, ear: Ear, registry: CollectorRegistry) -> None:
    """Adds the policy's age, and whether changes are heard of, to the metrics."""
    Gauge(
        "gateway_policy_age_seconds",
        "Time since admin-svc last confirmed the policy in force; +Inf before there is one.",
        registry=registry,
    ).set_function(lambda: policy.age)
    Gauge(
        "gateway_hears_events",
        "1 while changes are heard of at once, 0 while the gateway has to ask for them.",
        registry=registry,
    ).set_function(lambda: float(ear.listening))
