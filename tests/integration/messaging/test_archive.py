"""Published events: archived without their secrets, searched, and replayed into one queue."""

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from shared.archive import store
from shared.archive.use_cases import MOST_RUNNING, EventArchive, Replays
from shared.contracts.archive import (
    EventFilter,
    NoQueue,
    NoReplay,
    Position,
    Replay,
    TooManyReplays,
    expression_of,
    is_pattern,
)
from shared.contracts.catalogue import USER_ERASED
from shared.contracts.events import Event
from shared.contracts.topology import ADMIN
from shared.database.partitions import Month, MonthlyPartitions
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.messaging.outbox import ARCHIVE, Outbox
from tests.support.messaging import (
    PUBLIC_URL,
    RING,
    UPDATED,
    Signer,
    a_relay,
    add,
    an_event,
    channel_to,
    contents,
    messages,
    tapped,
    verifier,
)
from tests.support.supervision import supervised
from tests.support.waiting import until

QUEUE = "crm"


async def archive_now(database: Database, *events: Event) -> None:
    """Writes events, and has them archived as a relay does, in their order."""
    await add(database, *events)
    async with database.connection() as connection:
        outbox = Outbox(RING)
        waiting = await outbox.unpublished(connection, 1000, 10**9)
        await outbox.mark_published(connection, [position for position, _ in waiting])


def numbered(*numbers: int, **changes: Any) -> list[Event]:
    return [an_event(number, **changes) for number in numbers]


def about(uid: str, number: int = 0, name: str = UPDATED) -> Event:
    return an_event(number, name=name, record={"number": number, "user": {"uid": uid}})


async def found(database: Database, **wanted: Any) -> list[int]:
    events = await EventArchive(database, 90).list_after(EventFilter(**wanted), 100, None)
    return [event.record["number"] for event in events]


def some_replays(database: Database, url: str, rate: int = 1000, **parts: Any) -> Replays:
    replayed = Counter("events_replayed", "", registry=CollectorRegistry())
    signer = parts.get("signer") or Signer()
    return Replays(database, signer, url, "replays under test", rate, PUBLIC_URL, replayed)


async def begin(replays: Replays, queue: str = QUEUE, **wanted: Any) -> Replay:
    return await replays.create(queue, EventFilter(**wanted), incomplete=False)


async def ended(replays: Replays, replay: Replay) -> Replay:
    async def has_ended() -> bool:
        return (await replays.get(replay.id)).state != "running"

    await until(has_ended)
    return await replays.get(replay.id)


@contextlib.asynccontextmanager
async def a_queue(url: str, **arguments: Any) -> AsyncIterator[Any]:
    """A subscriber's queue, bound to nothing: what is in it came straight into it."""
    async with channel_to(url) as channel:
        await channel.declare_queue(
            QUEUE, durable=True, arguments={"x-queue-type": "quorum", **arguments}
        )
        yield channel


async def numbers_in(channel: Any, count: int, queue: str = QUEUE) -> list[int]:
    taken = await contents(channel, queue, count)
    return [(await verifier().open(message.body)).record["number"] for message in taken]


async def test_a_published_event_is_archived_without_its_secrets(
    schema: Database, broker: str
) -> None:
    secret = an_event(1, secrets={"token": "eyJ-secret"}, changes={"a": 1}, snapshot={"v": 2})
    await add(schema, secret, about("ID1", 2))

    async with tapped(broker), supervised("relay", a_relay(schema, broker).run):

        async def both() -> bool:
            return await found(schema) == [1, 2]

        await until(both)
    first, second = await EventArchive(schema, 90).list_after(EventFilter(), 10, None)
    assert first.to_event() == Event(
        id=secret.id, name=secret.name, record={"number": 1}, changes={"a": 1}, snapshot={"v": 2}
    )
    assert (first.complete, second.complete) == (False, True)
    assert (first.uid, second.uid) == (None, "ID1")
    async with schema.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
        assert "eyJ" not in await connection.fetchval(
            "SELECT string_agg(events::text, '') FROM events"
        )


async def test_events_are_found_by_name_user_and_time(schema: Database) -> None:
    await archive_now(schema, about("ID1", 1, "model.user.created"), about("ID2", 2))
    middle = datetime.now(UTC)
    target = an_event(4, name="system.x", record={"number": 4, "uid": "ID9", "target_uid": "ID1"})
    await archive_now(schema, about("ID1", 3, "model.label.created"), target)

    assert await found(schema) == [1, 2, 3, 4]
    assert await found(schema, uid="ID1") == [1, 3, 4]
    assert await found(schema, name="model.user.created") == [1]
    assert await found(schema, name="model.user.*") == [1, 2]
    assert await found(schema, name="model.*.created", uid="ID1") == [1, 3]
    assert await found(schema, name="model.#") == [1, 2, 3]
    assert await found(schema, name="#") == [1, 2, 3, 4]
    assert await found(schema, since=middle) == [3, 4]
    assert await found(schema, until=middle) == [1, 2]
    assert await found(schema, uid="ID3") == []


async def test_pages_of_the_archive_have_no_gap_and_nothing_twice(schema: Database) -> None:
    for start in (0, 10, 20):
        await archive_now(schema, *numbered(*range(start, start + 10)))
    archive = EventArchive(schema, 90)
    upwards: list[int] = []
    downwards: list[int] = []
    after: Position | None = None
    while page := await archive.list_after(EventFilter(), 7, after):
        upwards += [event.record["number"] for event in page]
        after = Position.of(str(page[-1].position))
    before: Position | None = None
    while page := await archive.list_newest(EventFilter(), 7, before):
        downwards += [event.record["number"] for event in page]
        before = Position.of(str(page[-1].position))

    assert upwards == list(range(30))
    assert downwards == upwards[::-1]


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("model.user.*", ["model.user.created"], ["model.user", "model.user.a.b", "xmodel.user.a"]),
        ("model.#", ["model", "model.user", "model.user.created"], ["models.user", "system.x"]),
        ("*.user.*", ["model.user.created"], ["model.users.created"]),
        ("#", ["x", "a.b.c"], []),
    ],
)
def test_patterns_are_those_of_bindings(pattern: str, names: list[str], others: list[str]) -> None:
    assert is_pattern(pattern)
    expression = re.compile(expression_of(pattern))
    assert all(expression.search(name) for name in names)
    assert not any(expression.search(name) for name in others)


@pytest.mark.parametrize("text", ["", ".", "a..b", "#.a", "a.#.b", "a*", "A", "a.b ", "a" * 101])
def test_other_texts_are_no_patterns(text: str) -> None:
    assert not is_pattern(text)


@pytest.mark.parametrize("text", ["x", "1", "_", "1_", "_1", "1_2_3", "-1_2", "1_x", f"{10**16}_1"])
def test_other_texts_are_no_positions(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        Position.of(text)


async def test_of_an_erased_user_only_the_erasure_is_archived(schema: Database) -> None:
    await archive_now(schema, about("ID1", 1), about("ID2", 2))
    await add(schema, about("ID1", 3))  # waits for the relay while the user is erased
    for _ in range(2):
        async with schema.transaction() as connection:
            await Outbox().forget(connection, "ID1")
    erased = an_event(4, name=USER_ERASED.name, record={"number": 4, "uid": "ID1"})
    await archive_now(schema, erased, about("ID1", 5), about("ID2", 6))

    assert await found(schema) == [2, 4, 6]


async def test_an_erasure_waits_for_a_relay_that_is_archiving(schema: Database) -> None:
    await archive_now(schema, about("ID2", 1))
    await add(schema, about("ID1", 2))
    outbox = Outbox(RING)

    async def forget() -> None:
        async with schema.transaction() as connection:
            await outbox.forget(connection, "ID1")

    async def waits() -> bool:
        async with schema.connection() as connection:
            return bool(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND query LIKE 'LOCK TABLE ONLY events%'"
                )
            )

    async with schema.transaction() as connection:
        [(position, _)] = await outbox.unpublished(connection, 10, 1000)
        await outbox.mark_published(connection, [position])
        erasure = asyncio.create_task(forget())
        await until(waits)
    await erasure
    assert await found(schema) == [1]


async def test_months_are_dropped_when_all_their_events_are_too_old(schema: Database) -> None:
    partitions = MonthlyPartitions(schema, ARCHIVE)
    now = Month.of(datetime.now(UTC))
    for ago in (0, 1, 3, 5):
        await partitions.make(now.plus(-ago))
    days = (datetime.now(UTC) - datetime(now.plus(-3).year, now.plus(-3).month, 1, tzinfo=UTC)).days

    assert await partitions.drop_before(days) == [now.plus(-5)]
    assert await partitions.drop_before(1 if datetime.now(UTC).day > 1 else 0) == [
        now.plus(-3),
        now.plus(-1),
    ]
    assert await partitions.months() == [now]


async def test_a_migration_does_not_fail_because_a_partition_is_being_made(
    schema: Database,
) -> None:
    """It takes locks one after the other: as CREATE INDEX does, and then as DROP INDEX does."""
    partitions, month = MonthlyPartitions(schema, ARCHIVE), Month.of(datetime.now(UTC)).plus(12)

    async def waits() -> bool:
        async with schema.connection() as connection:
            return bool(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass",
                    ARCHIVE,
                )
            )

    async with schema.transaction() as connection:
        await connection.execute(f"LOCK TABLE ONLY {ARCHIVE} IN SHARE MODE")
        making = asyncio.create_task(partitions.make(month))
        await until(waits)
        await connection.execute(f"LOCK TABLE ONLY {ARCHIVE} IN ACCESS EXCLUSIVE MODE")
    with contextlib.suppress(Unavailable):  # it waits for three seconds at most
        await making
    await partitions.make(month)
    assert month in await partitions.months()


async def test_a_replay_goes_into_one_queue_in_order_with_the_same_ids(
    schema: Database, broker: str
) -> None:
    events = numbered(*range(250), name=UPDATED)
    await archive_now(schema, *events, *numbered(250, name="system.session.create"))
    await archive_now(schema, an_event(251, name=UPDATED, secrets={"token": "eyJ"}))
    replays = some_replays(schema, broker)

    async with a_queue(broker) as channel, tapped(broker) as tap:
        async with supervised("replays", replays.run):
            done = await ended(replays, await begin(replays, name="model.#"))
        assert (done.state, done.replayed, done.reason) == ("done", 250, None)
        taken = await contents(channel, QUEUE, 250)
        opened = [await verifier().open(message.body) for message in taken]
        assert [event.id for event in opened] == [event.id for event in events]
        assert [message.message_id for message in taken] == [str(event.id) for event in events]
        assert {(message.type, message.content_type) for message in taken} == {
            (UPDATED, "application/jose+json")
        }
        assert await messages(channel, QUEUE) == 0
        assert await messages(channel, ADMIN.queue) == 0
        assert tap.heard == []


async def test_secrets_are_missing_where_incomplete_events_are_wanted(
    schema: Database, broker: str
) -> None:
    await archive_now(schema, an_event(1, secrets={"token": "eyJ"}), an_event(2))
    replays = some_replays(schema, broker)
    async with a_queue(broker) as channel:
        replay = await replays.create(QUEUE, EventFilter(), incomplete=True)
        progress = [each async for each in replays.follow(replay.id)]
        assert progress[-1].state == "done"
        first, _ = await contents(channel, QUEUE, 2)
        assert (await verifier().open(first.body)).record == {"number": 1}


async def test_a_full_queue_holds_up_its_own_replay_only(schema: Database, broker: str) -> None:
    await archive_now(schema, *numbered(*range(40)))
    replays = replace(some_replays(schema, broker), refused_seconds=0.2)
    full = {"x-max-length": 5, "x-overflow": "reject-publish"}
    async with a_queue(broker, **full) as channel, supervised("replays", replays.run):
        await channel.declare_queue("other", arguments={"x-queue-type": "quorum"}, durable=True)
        held_up = await begin(replays)

        async def rests() -> bool:
            return bool((await replays.get(held_up.id)).reason)

        await until(rests)
        other = await ended(replays, await begin(replays, "other"))
        assert (other.state, other.replayed) == ("done", 40)
        assert await numbers_in(channel, 40, "other") == list(range(40))

        seen: list[int] = []
        while (await replays.get(held_up.id)).state == "running" or await messages(channel, QUEUE):
            seen += await numbers_in(channel, await messages(channel, QUEUE))
        assert (await replays.get(held_up.id)).reason is None
    assert list(dict.fromkeys(seen)) == list(range(40))


async def test_a_death_between_publishing_and_storing_repeats_the_turn(
    schema: Database, broker: str
) -> None:
    await archive_now(schema, *numbered(1, 2, 3))
    replays = some_replays(schema, broker)

    async def killed() -> bool:
        async with schema.connection() as connection:
            return bool(
                await connection.fetch(
                    """
                    SELECT pg_terminate_backend(pid)
                    FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND query LIKE '%UPDATE event_replays%'
                    """
                )
            )

    async with a_queue(broker) as channel:
        replay = await begin(replays)
        async with schema.transaction() as connection:
            await connection.execute(
                "CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " PERFORM pg_advisory_xact_lock(4711); RETURN new; END $$"
            )
            await connection.execute(
                "CREATE TRIGGER rest BEFORE UPDATE ON event_replays FOR EACH ROW"
                " EXECUTE FUNCTION rest()"
            )
        async with supervised("replays", replays.run):
            async with schema.transaction() as connection:
                await connection.execute("SELECT pg_advisory_xact_lock(4711)")
                assert await numbers_in(channel, 3) == [1, 2, 3]
                await until(killed)
            assert (await ended(replays, replay)).replayed == 3
            assert await numbers_in(channel, 3) == [1, 2, 3]


async def test_a_replay_needs_a_queue_and_ends_without_one(schema: Database, broker: str) -> None:
    await archive_now(schema, *numbered(1))
    replays = some_replays(schema, broker)
    for name in ("nobody-declared-this", "ü" * 200):
        with pytest.raises(NoQueue):
            await begin(replays, name)
    async with a_queue(broker) as channel:
        replay = await begin(replays)
        await channel.queue_delete(QUEUE)
    async with supervised("replays", replays.run):
        failed = await ended(replays, replay)
    assert (failed.state, failed.replayed) == ("failed", 0)
    assert failed.reason == "the queue does not exist"


async def test_running_replays_are_bounded_and_can_be_cancelled(
    schema: Database, broker: str
) -> None:
    await archive_now(schema, *numbered(1))
    replays = some_replays(schema, broker)
    async with a_queue(broker):
        running = [await begin(replays) for _ in range(MOST_RUNNING)]
        with pytest.raises(TooManyReplays):
            await begin(replays)
        assert (await replays.cancel(running[0].id)).state == "cancelled"
        with pytest.raises(NoReplay):
            await replays.cancel(running[0].id)
        with pytest.raises(NoReplay):
            await replays.cancel(uuid.uuid4())
        await begin(replays)
        listed = await replays.list()
    assert len(listed) == MOST_RUNNING + 1
    assert [each.state for each in listed].count("cancelled") == 1


async def test_the_next_turn_is_awaited_only_while_a_replay_runs(
    schema: Database, broker: str
) -> None:
    """Otherwise services without a replay ask for one all the time."""

    async def seconds() -> float | None:
        async with schema.connection() as connection:
            return await store.seconds_to_next(connection)

    replays = some_replays(schema, broker)
    assert await seconds() is None
    async with a_queue(broker):
        replay = await begin(replays)
        assert await seconds() == 0
        await replays.cancel(replay.id)
    assert await seconds() is None


async def test_a_replay_keeps_to_its_rate_and_ends_with_what_was_there(
    schema: Database, broker: str
) -> None:
    await archive_now(schema, *numbered(*range(30)))
    replays = some_replays(schema, broker, rate=20)
    async with a_queue(broker) as channel:
        replay = await begin(replays, until=datetime.now(UTC) + timedelta(days=1))
        await archive_now(schema, *numbered(30))
        started = asyncio.get_running_loop().time()
        async with supervised("replays", replays.run):
            assert (await ended(replays, replay)).replayed == 30
        assert asyncio.get_running_loop().time() - started > 0.9
        assert await numbers_in(channel, 30) == list(range(30))
