"""Keeps administrators from locking themselves out."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from admin_svc.restrictions import store
from admin_svc.restrictions.models import LocksOutActor
from shared.contracts.policy import Restriction
from shared.database.pool import Connection
from shared.policy.places import Place, Places
from shared.policy.restrictions import CompiledRestrictions
from shared.values.addresses import Address


@dataclass(frozen=True, slots=True)
class Lockout:
    """Decides as gateways do: with the same code and the same file of places."""

    places: Places

    @asynccontextmanager
    async def refused(self, connection: Connection, address: Address | None) -> AsyncIterator[None]:
        """Raises `LocksOutActor` if the block, which changes restrictions, keeps `address` out.

        If an address was kept out before the block although a gateway let it pass, it may change
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

    async def decide(
        self,
        connection: Connection,
        address: Address | None,
        place: Place | None = None,
        more: Iterable[Restriction] = (),
    ) -> Restriction | None:
        """The rule that decides about a caller, with `more` rules in force; None if none does.

        `place` replaces the place that the file has for the address. Without an address, the caller
        is somebody in `place` who matches no rule for addresses or networks.
        """
        rules = [*await store.select_near(connection, address or _ANY), *more]
        if address is None:
            rules = [rule for rule in rules if rule.scope not in ("ip", "ip_subnet")]
        places = self.places if place is None else _Everywhere(place)
        return CompiledRestrictions(rules).first_match(address or _ANY, places)


_ANY = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class _Everywhere:
    """Has all addresses at one place."""

    place: Place

    def of(self, _address: Address) -> Place:
        return self.place
