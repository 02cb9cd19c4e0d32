"""What the directory keeps, whatever order events come in, and however often."""

import asyncio
import random
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin_svc.directory.models import Order, Page, UserFilter
from admin_svc.directory.use_cases import Directory
from admin_svc.schema import SCHEMA
from shared.contracts.attachments import KINDS, LABELS, PROFILES, AttachmentSnapshot
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.inbox import once
from tests.support.admin_features import directory_over
from tests.support.database import TestDatabase

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
STATES, ROLES, COUNTRIES = ("active", "pending", "banned"), ("member", "trader"), ("DE", "FR", "NO")
NAMES = ("Ann", "Bea", "Cid", None)
VALUES = ("pending", "verified", "rejected", "replaced")


@pytest.fixture(scope="module")
async def directory(database_template: TestDatabase) -> AsyncIterator[Directory]:
    """A directory of the module's own, which nobody else fills."""
    own = await database_template.clone()
    database = Database(own.dsns["admin"], SCHEMA)
    async with database.opened():
        yield directory_over(database)


def a_user(uid: str, version: int = 1, **changes: Any) -> User:
    at = AT + timedelta(hours=version)
    usual: dict[str, Any] = {
        "email": f"{uid.lower()}@example.com",
        "role": "member",
        "level": 0,
        "otp": False,
        "state": "pending",
        "referral_uid": None,
        "data": None,
        "created_at": AT,
        "updated_at": at,
    }
    return User(uid=uid, version=version, **{**usual, **changes})


def a_label(key: str, value: str, scope: str = "private") -> dict[str, Any]:
    return {
        "scope": scope,
        "key": key,
        "value": value,
        "description": None,
        "created_at": AT.isoformat(),
        "updated_at": AT.isoformat(),
    }


def a_profile(number: int, first: str | None, last: str | None, country: str) -> dict[str, Any]:
    return {"id": number, "first_name": first, "last_name": last, "country": country}


def a_set(uid: str, kind: str, version: int, *records: Mapping[str, Any]) -> AttachmentSnapshot:
    return AttachmentSnapshot(uid=uid, kind=kind, version=version, records=records)


def an_event(name: str, snapshot: Mapping[str, Any], **record: Any) -> ReceivedEvent:
    return ReceivedEvent(
        id=uuid.uuid4(), name=name, record=record, changes={}, snapshot=snapshot, issued_at=AT
    )


def of_user(user: User, *labels: Mapping[str, Any]) -> ReceivedEvent:
    taken_over = {"labels": [dict(label) for label in labels]} if labels else {}
    return an_event("model.user.updated", {**user.to_internal(), **taken_over})


def of_set(attachments: AttachmentSnapshot) -> ReceivedEvent:
    return an_event("model.label.created", {"attachments": attachments.to_internal()})


def of_erasure(uid: str) -> ReceivedEvent:
    return an_event("system.user.erased", {}, uid=uid)


async def deliver(directory: Directory, events: Sequence[ReceivedEvent]) -> None:
    async def erase(connection: Connection, event: ReceivedEvent) -> None:
        await directory.erase(connection, event.record["uid"])

    reactions = {"model.user": directory.upsert_user, "system.user": erase}
    for event in events:
        reaction = reactions.get(event.name.rpartition(".")[0], directory.upsert_attachments)
        await once(directory.database, reaction)(event)


@dataclass(slots=True)
class History:
    """What the owners did, what they told of it, and how it ended."""

    events: list[ReceivedEvent] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    sets: dict[tuple[str, str], AttachmentSnapshot] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    def change(self, uid: str, kind: str, chance: random.Random, number: int) -> None:
        """Something happens to a user; nothing more to one who was erased."""
        if uid in self.erased:
            return
        if kind == "erase":
            self._erase(uid)
        elif kind == "user":
            known = self.users.get(uid)
            user = a_user(uid, known.version + 1 if known else 1)
            user = replace(
                user,
                role=chance.choice(ROLES),
                state=chance.choice(STATES),
                level=chance.randrange(3),
                updated_at=AT + timedelta(days=chance.randrange(100)),
            )
            self.users[uid] = user
            self.events.append(of_user(user))
        else:
            known_set = self.sets.get((uid, kind))
            records = _records(kind, chance, number)
            made = a_set(uid, kind, known_set.version + 1 if known_set else 1, *records)
            self.sets[uid, kind] = made
            self.events.append(of_set(made))

    def _erase(self, uid: str) -> None:
        self.erased.add(uid)
        self.users.pop(uid, None)
        self.sets = {key: each for key, each in self.sets.items() if key[0] != uid}
        self.events.append(of_erasure(uid))


def _records(kind: str, chance: random.Random, number: int) -> list[dict[str, Any]]:
    if kind == LABELS:
        scopes = chance.sample(("private", "public"), chance.randrange(3))
        return [a_label("document", chance.choice(VALUES), scope) for scope in scopes]
    if kind == PROFILES:
        names = [(chance.choice(NAMES), chance.choice(NAMES)) for _ in range(chance.randrange(3))]
        return [
            a_profile(number * 10 + n, *each, chance.choice(COUNTRIES))
            for n, each in enumerate(names)
        ]
    return [{"id": number}] * chance.randrange(2)


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from((*["user"] * 4, *[LABELS, PROFILES] * 2, *KINDS, "erase")),
    ),
    min_size=10,
    max_size=40,
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES, seed=st.integers(0, 2**32))
async def test_whatever_order_events_come_in_the_end_is_the_same(
    directory: Directory, changes: list[tuple[int, str]], seed: int
) -> None:
    chance, run = random.Random(seed), secrets.token_hex(5).upper()
    first = secrets.randbelow(10**12)
    history = History()
    for number, (who, kind) in enumerate(changes):
        history.change(f"ID{run}{who}", kind, chance, first + number)
    told = history.events + chance.choices(history.events, k=len(history.events))
    chance.shuffle(told)
    half = len(told) // 2

    await asyncio.gather(deliver(directory, told[:half]), deliver(directory, told[half:]))

    await _is_the_end(directory, history, [f"ID{run}{who}" for who in range(3)])
    await _counts_are_right(directory)
    await directory.counts.fold()
    await _counts_are_right(directory)


async def _is_the_end(directory: Directory, history: History, uids: Sequence[str]) -> None:
    async with directory.database.connection() as connection:
        users = await connection.fetch("SELECT * FROM users WHERE uid = ANY($1)", uids)
        sets = await connection.fetch("SELECT * FROM attachments WHERE uid = ANY($1)", uids)
        positions = await connection.fetch(
            "SELECT id FROM profile_positions WHERE uid = ANY($1)", uids
        )
    kept = {row["uid"]: User(**{n: row[n] for n in User.__slots__}) for row in users}
    assert kept == history.users
    assert {(row["uid"], row["kind"]): (row["version"], row["records"]) for row in sets} == {
        key: (each.version, list(each.records)) for key, each in history.sets.items()
    }
    profiles = {key[0]: each for key, each in history.sets.items() if key[1] == PROFILES}
    ids = sorted(profile["id"] for each in profiles.values() for profile in each.records)
    assert sorted(row["id"] for row in positions) == ids
    for row in users:
        said = profiles[row["uid"]].records if row["uid"] in profiles else ()
        countries = {f"country:{each['country']}" for each in said}
        assert {facet for facet in row["facets"] if facet.startswith("country:")} == countries
        labels = history.sets.get((row["uid"], LABELS))
        private = [each for each in labels.records if each["scope"] == "private"] if labels else []
        waits = any(each["value"] in ("pending", "replaced") for each in private)
        assert (row["waiting_since"] is not None) == waits


async def _counts_are_right(directory: Directory) -> None:
    """Compares what is kept with what is counted now."""
    async with directory.database.connection() as connection:
        for state in (None, *STATES):
            for country in (None, *COUNTRIES):
                for clock in ("created", "updated"):
                    until = AT + timedelta(days=50)
                    span: dict[str, Any] = {f"{clock}_from": AT, f"{clock}_to": until}
                    wanted = UserFilter(state=state, country=country, waiting=state is None, **span)
                    counted = await connection.fetchval(
                        f"""
                        SELECT count(*) FROM users
                        WHERE ($1::text IS NULL OR state = $1)
                          AND ($2::text IS NULL OR facets @> ARRAY[$2])
                          AND {clock}_at >= $3 AND {clock}_at < $4
                          AND (NOT $5 OR waiting_since IS NOT NULL)
                        """,
                        state,
                        f"country:{country}" if country else None,
                        *span.values(),
                        state is None,
                    )
                    assert await directory.exact_total(connection, wanted) == counted, wanted
        for value in VALUES:
            label = UserFilter(label=("private", "document", value))
            counted = await connection.fetchval(
                "SELECT count(*) FROM users WHERE facets @> $1", label.facets
            )
            assert await directory.exact_total(connection, label) == counted


async def test_labels_that_a_user_brings_along_give_way_to_later_ones(directory: Directory) -> None:
    uid = f"ID{secrets.token_hex(5).upper()}"
    imported = of_user(a_user(uid), a_label("document", "pending"), a_label("email", "verified"))
    later = of_set(a_set(uid, LABELS, 1, a_label("document", "verified")))
    for events in ([imported, later], [later, imported]):
        await deliver(directory, [replace(event, id=uuid.uuid4()) for event in events])
        async with directory.database.connection() as connection:
            row = await connection.fetchrow("SELECT facets FROM users WHERE uid = $1", uid)
        assert row is not None
        assert row["facets"] == ["label:document:verified", "private:document:verified"]
        await deliver_removal(directory, uid)


async def deliver_removal(directory: Directory, uid: str) -> None:
    async with directory.database.transaction() as connection:
        for table in ("users", "attachments"):
            await connection.execute(f"DELETE FROM {table} WHERE uid = $1", uid)


async def test_a_user_is_never_seen_without_what_came_at_the_same_time(
    directory: Directory,
) -> None:
    """Whichever of both transactions is first, the other one sees it."""
    for _ in range(20):
        uid = f"ID{secrets.token_hex(5).upper()}"
        await asyncio.gather(
            deliver(directory, [of_user(a_user(uid))]),
            deliver(
                directory,
                [
                    of_set(
                        a_set(
                            uid,
                            PROFILES,
                            1,
                            a_profile(secrets.randbelow(10**12), "Ann", "Lee", "NO"),
                        )
                    )
                ],
            ),
        )
        found = await directory.list_users(
            UserFilter(uid=uid, first_name="Ann", country="NO"), Page(Order(), 10)
        )
        assert [user.uid for user in found.users] == [uid]


async def test_who_is_erased_stays_so_whoever_is_faster(directory: Directory) -> None:
    for _ in range(20):
        uid = f"ID{secrets.token_hex(5).upper()}"
        await deliver(directory, [of_user(a_user(uid))])
        await asyncio.gather(
            deliver(directory, [of_user(a_user(uid, 2))]),
            deliver(directory, [of_erasure(uid)]),
            deliver(directory, [of_set(a_set(uid, LABELS, 1, a_label("email", "verified")))]),
        )
        await deliver(directory, [of_user(a_user(uid, 3))])
        async with directory.database.connection() as connection:
            for table in ("users", "attachments"):
                kept = await connection.fetch(f"SELECT FROM {table} WHERE uid = $1", uid)
                assert kept == [], table


@pytest.mark.parametrize(
    "snapshot",
    [
        {},
        {"attachments": {"uid": "ID1", "kind": "labels", "version": 1}},
        {"attachments": {"uid": "ID1", "kind": "secrets", "version": 1, "records": []}},
        {"attachments": {"uid": "ID1", "kind": "labels", "version": "x", "records": []}},
        {"attachments": {"uid": "ID1", "kind": "labels", "version": 1, "records": [{}]}},
        {"attachments": {"uid": "ID1", "kind": "profiles", "version": 1, "records": [1]}},
    ],
)
async def test_an_event_that_is_not_whole_is_refused(
    directory: Directory, snapshot: dict[str, Any]
) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        await deliver(directory, [an_event("model.label.created", snapshot)])
