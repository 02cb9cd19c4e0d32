"""The policy in force: loaded at start, loaded again when it changed, never half."""

import asyncio
from contextlib import suppress
from typing import Protocol

import structlog

from authz_gateway.policy.compiled import CompiledPolicy
from shared.contracts.policy import Policy
from shared.contracts.services import ADMIN
from shared.errors import Unavailable

POLL_SECONDS = 60.0
POLL_SECONDS_WHEN_DEAF = 5.0

log = structlog.get_logger()


class PolicySource(Protocol):
    """What is asked of admin-svc."""

    async def policy(self) -> Policy:
        """Permissions and restrictions as they are now; raises `Unavailable`."""
        ...


class Ear(Protocol):
    """Whoever hears of changes, and knows whether he does."""

    listening: bool


class CurrentPolicy:
    """The last policy that could be loaded."""

    def __init__(self, admin: PolicySource) -> None:
        self._admin = admin
        self._compiled: CompiledPolicy | None = None
        self._outdated = asyncio.Event()

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
            self._swap(await self._admin.policy())
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    POLL_SECONDS if ear.listening else POLL_SECONDS_WHEN_DEAF
                ):
                    await self._outdated.wait()

    def _swap(self, policy: Policy) -> None:
        if self._compiled is not None and self._compiled.version == policy.version:
            return
        self._compiled = CompiledPolicy(policy)
        log.info(
            "policy_loaded",
            version=policy.version,
            permissions=len(policy.permissions),
            restrictions=len(policy.restrictions),
        )
