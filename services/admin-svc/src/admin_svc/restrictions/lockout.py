"""Keeps administrators from locking themselves out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from admin_svc.restrictions import store
from admin_svc.restrictions.rules import LocksOutActor
from shared.contracts.policy import Restriction
from shared.database.pool import Connection
from shared.policy.places import Places
from shared.policy.restrictions import CompiledRestrictions
from shared.web.client_address import Address


@dataclass(frozen=True, slots=True)
class Lockout:
    """Decides as gateways do, by the same evaluation and the same file of places."""

    places: Places

    @asynccontextmanager
    async def refused(self, connection: Connection, address: Address | None) -> AsyncIterator[None]:
        """The block changes restrictions; raises `LocksOutActor` if it keeps this address out.

        Whom restrictions kept out before, though a gateway let them through, may change them.
        Without an address nothing is asked.
        """
        if address is None:
            yield
            return
        kept_out = await self.refusal(connection, address)
        yield
        if kept_out is None and await self.refusal(connection, address) is not None:
            raise LocksOutActor

    async def refusal(self, connection: Connection, address: Address) -> Restriction | None:
        """What keeps this address out as things are, None where nothing does."""
        rules = await store.select_near(connection, address)
        return CompiledRestrictions(rules).refusal(address, self.places)
