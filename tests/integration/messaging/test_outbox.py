"""The outbox: events and changes share one fate, secrets lie sealed."""

import asyncpg
import pytest

from shared.contracts.topology import EVENTS
from shared.database.pool import Database
from shared.messaging.inbox import forget_old
from shared.messaging.outbox import Outbox
from tests.support.messaging import (
    RING,
    a_relay,
    add,
    all_published,
    an_event,
    tapped,
    verifier,
    waiting,
)
from tests.support.supervision import supervised

SECRET = "eyJ-a-token-nobody-may-read"


async def table(database: Database) -> str:
    """Everything that the outbox holds, as text."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT outbox::text AS line FROM outbox ORDER BY id")
        sealed = await connection.fetch("SELECT sealed FROM outbox WHERE sealed IS NOT NULL")
    return "\n".join([*(row["line"] for row in rows), *(repr(row["sealed"]) for row in sealed)])


async def test_an_event_shares_the_fate_of_its_transaction(schema: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await add(schema, an_event(1), an_event(2), then="SELECT 1 / 0")
    assert await waiting(schema) == 0

    await add(schema, an_event(1), an_event(2))
    assert await waiting(schema) == 2


async def test_an_event_comes_back_as_it_was_written(schema: Database) -> None:
    written = [
        an_event(1, record={"é": [None, {"a": 1.5}]}, changes={"old": None}, snapshot={"v": 1}),
        an_event(2, secrets={"token": SECRET}),
        an_event(3, record={}),
    ]
    await add(schema, *written)

    async with schema.connection() as connection:
        read = await Outbox(RING).unpublished(connection, 10, 1000)
    assert [event for _, event in read] == written
    assert [position for position, _ in read] == sorted({position for position, _ in read})


async def test_a_secret_is_sealed_then_on_the_wire_then_gone(schema: Database, broker: str) -> None:
    await add(schema, an_event(1, secrets={"token": SECRET}))
    assert SECRET not in await table(schema)
    assert r"\\x" in await table(schema)

    async with tapped(broker) as tap, supervised("relay", a_relay(schema, broker).run):
        await tap.hears(1)
        await all_published(schema)

    [body] = [message.body for exchange, _, message in tap.heard if exchange == EVENTS]
    event = await verifier().open(body)
    assert event.record == {"number": 1, "token": SECRET}
    assert SECRET not in await table(schema)
    assert r"\\x" not in await table(schema)


async def test_a_secret_without_a_key_is_refused_with_everything_else(schema: Database) -> None:
    with pytest.raises(ValueError, match=r"model\.user\.created") as raised:
        await add(schema, an_event(1), an_event(2, secrets={"token": SECRET}), ring=None)

    assert SECRET not in str(raised.value)
    assert await waiting(schema) == 0


async def test_what_is_old_is_forgotten_and_nothing_else(schema: Database) -> None:
    events = [an_event(number) for number in range(4)]
    await add(schema, *events)
    ages = {0: "25 hours", 1: "23 hours", 2: None, 3: None}
    async with schema.connection() as connection:
        for number, age in ages.items():
            await connection.execute(
                """
                UPDATE outbox
                SET published_at = now() - $2::text::interval,
                    created_at = now() - interval '9 days'
                WHERE event_id = $1
                """,
                *(events[number].id, age),
            )
        await connection.execute(
            """
            INSERT INTO inbox (event_id, received_at)
            VALUES (gen_random_uuid(), now() - interval '31 days'),
                   (gen_random_uuid(), now() - interval '29 days')
            """
        )
        await Outbox().prune(connection)
        await forget_old(connection)

        left = await connection.fetch("SELECT record FROM outbox ORDER BY id")
        remembered = await connection.fetchval("SELECT count(*) FROM inbox")
    assert [row["record"]["number"] for row in left] == [1, 2, 3]
    assert remembered == 1
