"""The inbox: each event acts once, in the transaction that remembers it."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.contracts.events import ReceivedEvent
from shared.database.pool import Connection, Database

Reaction = Callable[[ReceivedEvent], Awaitable[None]]
"""What a service does on an event; raising means not done."""


def once(
    database: Database, reaction: Callable[[Connection, ReceivedEvent], Awaitable[None]]
) -> Reaction:
    """A reaction that does nothing on an event which this schema has already reacted to."""

    async def react(event: ReceivedEvent) -> None:
        async with database.transaction() as connection:
            if await _remember(connection, event):
                await reaction(connection, event)

    return react


async def forget_old(connection: Any) -> None:
    """Forgets events of more than thirty days ago, which no queue plays again."""
    await connection.execute(
        """
        DELETE FROM inbox
        WHERE received_at < now() - interval '30 days'
        """
    )


async def _remember(connection: Connection, event: ReceivedEvent) -> bool:
    """Whether the event is new; a transaction under way with it is waited for."""
    status = await connection.execute(
        """
        INSERT INTO inbox (event_id)
        VALUES ($1)
        ON CONFLICT (event_id) DO NOTHING
        """,
        event.id,
    )
    return status == "INSERT 0 1"
