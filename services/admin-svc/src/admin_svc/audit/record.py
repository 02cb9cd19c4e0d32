"""Recording changes."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from admin_svc.audit import store
from admin_svc.audit.author import Author
from admin_svc.audit.chain import Entry, Kind, Result, commitment_to, payload_of
from shared.database.pool import Connection, Database
from shared.errors import Refusal, Unavailable

log = structlog.get_logger()

_SALT_BYTES = 32  # without it, a payload that is gone could be guessed and proven


async def append(
    connection: Connection,
    kind: Kind,
    action: str,
    author: Author,
    said: Mapping[str, Any] | None,
    *,
    target_uid: str | None = None,
    intent_id: int | None = None,
    result: Result | None = None,
) -> int:
    """Appends an entry, in the transaction of what it tells of; its number.

    Others wait for the end of that transaction to append theirs: this comes last in it. Of what is
    said of a user who was erased nothing is kept, nor a commitment to it.
    """
    last, previous_hash = await store.lock_end(connection)
    kept = None
    if said is not None and not await store.is_erased(connection, target_uid):
        kept = (secrets.token_bytes(_SALT_BYTES), payload_of(said))
    entry = Entry(
        id=last + 1,
        at=datetime.now(UTC),
        kind=kind,
        action=action,
        author_uid=author.uid,
        author_role=author.role,
        target_uid=target_uid,
        intent_id=intent_id,
        result=result,
        commitment=None if kept is None else commitment_to(*kept),
    )
    await store.insert_entry(connection, entry, previous_hash, kept)
    return entry.id


@dataclass(slots=True)
class Attempt:
    """A change under way at its owner."""

    outcome: dict[str, Any] = field(default_factory=dict)

    def done(self, *, before: Any, after: Any) -> None:
        """What the owner answered: the record before the change and after it, None for none."""
        self.outcome = {"before": before, "after": after}


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """Records a change that another service makes: the intent before it, the outcome after it.

    Whatever dies in between, there is no change without its intent.
    """

    database: Database

    @asynccontextmanager
    async def __call__(
        self, author: Author, action: str, target_uid: str, wanted: Mapping[str, Any]
    ) -> AsyncIterator[Attempt]:
        """The block makes the change; raises `Unavailable` before it where nothing can be noted."""
        async with self.database.transaction() as connection:
            intent_id = await append(
                connection, "intent", action, author, {"wanted": wanted}, target_uid=target_uid
            )
        attempt = Attempt()
        result: Result = "unknown"
        try:
            yield attempt
            result = "done"
        except Unavailable:
            raise  # the owner may have made the change all the same
        except Refusal as refusal:
            result, attempt.outcome = "refused", {"codes": list(refusal.codes)}
            raise
        finally:
            await self._conclude(intent_id, author, action, target_uid, result, attempt.outcome)

    async def _conclude(
        self,
        intent_id: int,
        author: Author,
        action: str,
        target_uid: str,
        result: Result,
        outcome: Mapping[str, Any],
    ) -> None:
        """The change is made or refused by now: the answer does not depend on this note."""
        try:
            async with self.database.transaction() as connection:
                await append(
                    connection,
                    "outcome",
                    action,
                    author,
                    outcome,
                    target_uid=target_uid,
                    intent_id=intent_id,
                    result=result,
                )
        except Unavailable:
            log.error("audit_outcome_missing", intent_id=intent_id, result=result)
