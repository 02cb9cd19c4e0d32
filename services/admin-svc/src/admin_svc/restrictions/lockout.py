"""Keeps administrators from locking themselves out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from admin_svc.restrictions import store
from admin_svc.restrictions.models import LocksOutActor
from shared.contracts.policy import Restriction
from shared.database.pool import Connection
from shared.policy.places import Places
from shared.policy.restrictions import CompiledRestrictions
from shared.values.addresses import Address


@dataclass(frozen=True, slots=True)
class Lockout:
    """Decides as gateways do: with the same code and the same file of places."""

    places: Places

    @asynccontextmanager
    async def refused(self, connection: Connection, address: Address | None) -> AsyncIterator[None]:
        """Raises `LocksOutActor` if the block, which changes restrictions, keeps `address` out.

        An address that was kept out before the block, though a gateway let it pass, may change
        restrictions. Without an address nothing is checked.
        """
        if address is None:
            yield
            return
        kept_out = await self.refusal(connection, address)
        yield
        if kept_out is None and await self.refusal(connection, address) is not None:
            raise LocksOutActor

    async def refusal(self, connection: Connection, address: Address) -> Restriction | None:
        """The rule that keeps this address out now, None where none does."""
        rules = await store.select_near(connection, address)
        return CompiledRestrictions(rules).refusal(address, self.places)
