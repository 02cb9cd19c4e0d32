"""Recording administrators' changes, and verifying the record."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from admin_svc.audit import store
from admin_svc.audit.models import (
    BEGINNING,
    Actor,
    BrokenChain,
    Entry,
    Kind,
    Result,
    Verified,
    commitment_to,
    payload_of,
)
from admin_svc.core import Core
from admin_svc.directory.use_cases import Directory
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Connection, Database
from shared.errors import Refusal, Unavailable

log = structlog.get_logger()

_SALT_BYTES = 32  # without a salt, an erased payload could be guessed and proven
_LONGEST_CALL = timedelta(minutes=1)
_MOST_INTENTS = 1000


@dataclass(slots=True)
class AuditedChange:
    """A change that another service is making."""

    outcome: dict[str, Any] = field(default_factory=dict)

    def done(self, *, before: Any, after: Any) -> None:
        """Sets the record before the change and after it, as its owner answered; None for none."""
        self.outcome = {"before": before, "after": after}


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """Administrators' changes, in a chain of entries that nobody can rewrite unnoticed."""

    database: Database
    directory: Directory

    async def append(
        self,
        connection: Connection,
        kind: Kind,
        action: str,
        actor: Actor,
        said: Mapping[str, Any] | None,
        *,
        target_uid: str | None = None,
        intent_id: int | None = None,
        result: Result | None = None,
    ) -> int:
        """Appends an entry in the transaction of the change; returns its number.

        Other appends wait for the end of that transaction: call it last. An entry about an erased
        user gets neither a payload nor a commitment to it.
        """
        last, previous_hash = await store.lock_end(connection)
        payload = None
        if said is not None and not await self._is_erased(connection, target_uid):
            payload = (secrets.token_bytes(_SALT_BYTES), payload_of(said))
        entry = Entry(
            id=last + 1,
            at=datetime.now(UTC),
            kind=kind,
            action=action,
            author_uid=actor.uid,
            author_role=actor.role,
            target_uid=target_uid,
            intent_id=intent_id,
            result=result,
            commitment=None if payload is None else commitment_to(*payload),
        )
        await store.insert_entry(connection, entry, previous_hash, payload)
        return entry.id

    @asynccontextmanager
    async def audited_change(
        self, actor: Actor, action: str, target_uid: str | None, wanted: Mapping[str, Any]
    ) -> AsyncIterator[AuditedChange]:
        """Records the intent before the block, in which another service makes the change.

        Records the outcome after the block. If anything crashes, there is no change without its
        intent. Raises `Unavailable` before the block if the intent cannot be recorded.
        """
        async with self.database.transaction() as connection:
            intent_id = await self.append(
                connection, "intent", action, actor, {"wanted": wanted}, target_uid=target_uid
            )
        change = AuditedChange()
        result: Result = "unknown"
        try:
            yield change
            result = "done"
        except Unavailable:
            raise  # the owner may have made the change all the same
        except Refusal as refusal:
            result, change.outcome = "refused", {"codes": list(refusal.codes)}
            raise
        finally:
            await self._append_outcome(intent_id, actor, action, target_uid, result, change.outcome)

    async def append_webhook_change(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.webhook.*`: appends what an administrator did to an endpoint.

        The event was written in the transaction of the change, so that none goes unrecorded.
        """
        await self._append_change(connection, "webhook", event)

    async def append_client_change(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.oauth_client.*`: appends what was done to an OAuth client.

        A client that has registered itself changes itself: there is no administrator then.
        """
        await self._append_change(connection, "oauth_client", event)

    async def _append_change(
        self, connection: Connection, thing: str, event: ReceivedEvent
    ) -> None:
        """Appends a change that its owner made, as the event of the change describes it."""
        record = dict(event.record)
        action = record.pop("action")
        actor = Actor(record.pop("author_uid"), record.pop("author_role"))
        before = None if action == "created" else {**record, **event.changes}
        after = None if action == "deleted" else record
        said = {"before": before, "after": after}
        await self.append(connection, "change", f"{thing}.{action}", actor, said)

    async def erase(self, uid: str, actor: Actor) -> int:
        """Deletes the payloads about a user; who changed the user and when stays provable.

        Returns the number of payloads. The erasure is an entry itself: missing payloads without
        one break the chain. A second call finds none and appends nothing. The user has to be
        marked as erased before: entries appended from then on have no payload.
        """
        async with self.database.transaction() as connection:
            await store.lock_end(connection)  # appends that missed the mark have committed now
            erased = await store.delete_payloads(connection, uid)
            if erased:
                await self.append(connection, "erasure", "user.erased", actor, None, target_uid=uid)
            return erased

    async def verify(self, known_head: bytes | None = None) -> Verified:
        """Follows the chain from its beginning; entries may be appended meanwhile.

        `known_head` is the head of an earlier verification: whoever could rewrite the whole chain
        could not rewrite that. Raises `BrokenChain`.
        """
        verified = Verified()
        met = known_head is None or known_head == BEGINNING
        async for stored in store.entries(self.database):
            verified.add(stored)
            met = met or verified.head == known_head
        verified.end()
        if not met:
            raise BrokenChain("the known hash is not in the chain: it was rewritten or cut off")
        return verified

    async def list_open_intents(self) -> Sequence[Entry]:
        """Intents without a known outcome, the oldest first, at most a thousand.

        Intents of the last minute are left out: their changes may be under way.
        """
        before = datetime.now(UTC) - _LONGEST_CALL
        async with self.database.connection() as connection:
            return await store.open_intents(connection, before, _MOST_INTENTS)

    async def _is_erased(self, connection: Connection, uid: str | None) -> bool:
        return uid is not None and await self.directory.is_erased(connection, uid)

    async def _append_outcome(
        self,
        intent_id: int,
        actor: Actor,
        action: str,
        target_uid: str | None,
        result: Result,
        outcome: Mapping[str, Any],
    ) -> None:
        """The change has been made or refused: the answer does not depend on this entry."""
        try:
            async with self.database.transaction() as connection:
                await self.append(
                    connection,
                    "outcome",
                    action,
                    actor,
                    outcome,
                    target_uid=target_uid,
                    intent_id=intent_id,
                    result=result,
                )
        except Unavailable:
            log.error("audit_outcome_missing", intent_id=intent_id, result=result)


def build(core: Core, directory: Directory) -> AuditTrail:
    """Wires the feature."""
    return AuditTrail(core.database, directory)
