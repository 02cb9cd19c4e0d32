"""The inbox: each event has its effect once, in the transaction that stores its id."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.contracts.events import ReceivedEvent
from shared.database.pool import Connection, Database

Reaction = Callable[[ReceivedEvent], Awaitable[None]]
"""What a service does on an event; it raises an error if it fails."""


def once(
    database: Database, reaction: Callable[[Connection, ReceivedEvent], Awaitable[None]]
) -> Reaction:
    """A reaction that does nothing on an event that this schema has handled already."""

    async def react(event: ReceivedEvent) -> None:
        async with database.transaction() as connection:
            if await _is_new(connection, event):
                await reaction(connection, event)

    return react


async def forget_old(connection: Any) -> None:
    """Deletes ids of events of more than thirty days ago, which no queue delivers again."""
    await connection.execute(
        """
        DELETE FROM inbox
        WHERE received_at < now() - interval '30 days'
        """
    )


async def _is_new(connection: Connection, event: ReceivedEvent) -> bool:
    """Whether the event is new; waits for a transaction under way that handles it."""
    status = await connection.execute(
        """
        INSERT INTO inbox (event_id)
        VALUES ($1)
        ON CONFLICT (event_id) DO NOTHING
        """,
        event.id,
    )
    return status == "INSERT 0 1"
