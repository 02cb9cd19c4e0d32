"""Reading and changing restrictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from admin_svc.audit.models import BREAK_GLASS, Actor
from admin_svc.core import Core
from admin_svc.policy.models import replaced
from admin_svc.policy.use_cases import GatewayPolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.events import restriction_event
from admin_svc.restrictions.lockout import Lockout
from admin_svc.restrictions.models import (
    ENABLED,
    Decision,
    StoredRestriction,
    Terms,
    Trial,
    terms,
)
from shared.contracts.policy import Restriction
from shared.database.pool import Database
from shared.policy.places import Place, places
from shared.values.addresses import Address


@dataclass(frozen=True, slots=True)
class Restrictions:
    """The addresses and places from which calls may come.

    Changes get the `address` from which the actor calls; without one, nothing checks whether they
    lock themselves out.
    """

    database: Database
    policy: GatewayPolicy
    lockout: Lockout

    async def list_page(
        self, scope: str | None, category: str | None, limit: int, offset: int
    ) -> tuple[list[StoredRestriction], int]:
        """One page of restrictions, the oldest first, and the number of all that were found.

        With a scope or a category, only those of it.
        """
        async with self.database.connection() as connection:
            return await store.select_page(connection, scope, category, limit, offset)

    async def try_out(
        self,
        wanted: Terms,
        own: Address,
        address: Address | None = None,
        place: Place | None = None,
    ) -> Trial:
        """What gateways would decide with one more restriction; nothing is changed.

        About calls from `own`, the actor's address, and, if given, about calls from another
        `address`, another `place`, or both. Gateways decide by the same code.
        """
        more = []
        if wanted.state == ENABLED:
            more.append(Restriction(wanted.category, wanted.scope, wanted.value, wanted.code))
        async with self.database.connection() as connection:
            before = Decision(own, await self.lockout.decide(connection, own))
            yourself = Decision(own, await self.lockout.decide(connection, own, more=more))
            caller = None
            if address is not None or place is not None:
                rule = await self.lockout.decide(connection, address, place, more)
                caller = Decision(address, rule)
        return Trial(wanted, before.allowed and not yourself.allowed, yourself, caller)

    async def create(
        self, actor: Actor, wanted: Terms, address: Address | None = None
    ) -> StoredRestriction:
        """Adds a restriction; raises `ValueTaken` or `LocksOutActor`."""
        async with (
            self.policy.change(actor) as change,
            self.lockout.refused(change.connection, address),
        ):
            created = await store.TABLE.insert(change.connection, wanted)
            change.publish(restriction_event(created, "created"))
        return created

    async def update(
        self,
        actor: Actor,
        restriction_id: int,
        given: Mapping[str, Any],
        address: Address | None = None,
    ) -> StoredRestriction:
        """Sets the given fields of a restriction.

        Where they are so already, there is no new version and no event. Raises
        `RestrictionNotFound`, `InvalidValue`, `ValueTaken` or `LocksOutActor`.
        """
        async with (
            self.policy.change(actor) as change,
            self.lockout.refused(change.connection, address),
        ):
            before = await store.TABLE.get(change.connection, restriction_id)
            wanted = terms(**{**asdict(before.rule), **given})
            if wanted == before.rule:
                return before
            after = await store.TABLE.update(change.connection, restriction_id, wanted)
            change.publish(restriction_event(after, "updated", replaced(before.rule, wanted)))
        return after

    async def delete(
        self, actor: Actor, restriction_id: int, address: Address | None = None
    ) -> None:
        """Deletes a restriction; raises `RestrictionNotFound`, or `LocksOutActor`.

        Deleting a whitelist may lock out its actor.
        """
        async with (
            self.policy.change(actor) as change,
            self.lockout.refused(change.connection, address),
        ):
            deleted = await store.TABLE.delete(change.connection, restriction_id)
            change.publish(restriction_event(deleted, "deleted"))

    async def switch_off(self, address: Address | None) -> Sequence[StoredRestriction]:
        """Disables all restrictions that keep callers out, or those that keep one address out.

        It is the way back for administrators who are locked out. Whitelists stay in force.
        Returns the restrictions that it disabled.
        """
        async with self.policy.change(BREAK_GLASS) as change:
            if address is None:
                disabled = await store.disable_all(change.connection)
            else:
                disabled = []
                while rule := await self.lockout.refusal(change.connection, address):
                    disabled.append(await store.disable(change.connection, rule))
            for restriction in disabled:
                change.publish(restriction_event(restriction, "updated", {"state": "enabled"}))
        return disabled


def build(core: Core, policy: GatewayPolicy) -> Restrictions:
    """Wires the feature; raises `SettingsError` for a file of places that cannot be read."""
    settings = core.settings
    lockout = Lockout(places(settings.maxminddb_path, settings.geoip_lang))
    return Restrictions(core.database, policy, lockout)
