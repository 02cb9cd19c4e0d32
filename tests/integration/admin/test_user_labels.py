"""Administrators give labels to users."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local import ports
from shared.clients.resource import ResourceClient
from shared.contracts.administration import Administrator
from shared.contracts.services import ADMIN
from shared.crypto.key_ring import KeyRing
from shared.errors import Invalid, Unavailable
from shared.process import running
from shared.tokens.service import ServiceTokens
from tests.support.client import Client
from tests.support.events import Ear
from tests.support.internal import resource_of, tables_of_resource
from tests.support.staff import promote
from tests.support.system import KEY, Installation
from tests.support.waiting import until

NOBODY = "ID0000000000"
LABELS = "admin/users/labels"
UPDATE = "admin/users/labels/update"
STORAGE = "admin/users/data_storage"


def _blanks(name: str) -> tuple[str, str]:
    return f"admin.user.missing_{name}", f"admin.user.empty_{name}"


def _refusals(
    complete: dict[str, str], optional: tuple[str, ...]
) -> list[tuple[dict[str, str], list[str]]]:
    """Each parameter absent, blank and only spaces, and all absent."""
    rows: list[tuple[dict[str, str], list[str]]] = [
        ({}, [code for name in complete for code in _blanks(name)])
    ]
    for name in complete:
        without = {key: value for key, value in complete.items() if key != name}
        rows.append((without, list(_blanks(name))))
    for name in (*complete, *optional):
        rows += [({**complete, name: blank}, [f"admin.user.empty_{name}"]) for blank in ("", "  ")]
    return rows


CREATE = {"uid": "UID", "key": "phone", "value": "verified"}
CHANGE = {"uid": "UID", "key": "phone", "scope": "private", "value": "verified"}
DELETE = {"uid": "UID", "key": "phone", "scope": "private"}

REFUSED: list[tuple[str, str, dict[str, str], int, list[str]]] = [
    *(
        ("POST", LABELS, form, 422, codes)
        for form, codes in _refusals(CREATE, ("scope", "description"))
    ),
    *(("PUT", LABELS, form, 400, codes) for form, codes in _refusals(CHANGE, ("description",))),
    *(("POST", UPDATE, form, 400, codes) for form, codes in _refusals(CHANGE, ("description",))),
    *(("DELETE", LABELS, form, 422, codes) for form, codes in _refusals(DELETE, ())),
    ("POST", LABELS, {**CREATE, "uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
    ("PUT", LABELS, {**CHANGE, "uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
    ("POST", UPDATE, {**CHANGE, "uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
    ("DELETE", LABELS, {**DELETE, "uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
    ("POST", LABELS, {**CREATE, "scope": "junk"}, 422, ["scope.inclusion"]),
    ("POST", LABELS, {**CREATE, "key": "ab"}, 422, ["key.too_short"]),
    ("POST", LABELS, {**CREATE, "key": "a" * 256}, 422, ["key.too_long"]),
    ("POST", LABELS, {**CREATE, "description": "a" * 256}, 422, ["description.too_long"]),
    (
        *("POST", LABELS, {**CREATE, "key": "a!", "value": "b!"}, 422),
        ["key.too_short", "key.invalid", "value.too_short", "value.invalid"],
    ),
    ("POST", LABELS, {**CREATE, "key": "email", "scope": "private"}, 422, ["key.taken"]),
    ("POST", LABELS, {**CREATE, "key": " EMAIL ", "scope": "private"}, 422, ["key.taken"]),
    ("PUT", LABELS, CHANGE, 404, ["admin.label.doesnt_exist"]),
    (
        "PUT",
        LABELS,
        {**CHANGE, "key": "email", "scope": "public"},
        404,
        ["admin.label.doesnt_exist"],
    ),
    ("PUT", LABELS, {**CHANGE, "key": "email", "scope": "junk"}, 404, ["admin.label.doesnt_exist"]),
    (
        *("PUT", LABELS, {**CHANGE, "key": "email", "value": "b!"}, 422),
        ["value.too_short", "value.invalid"],
    ),
    ("POST", UPDATE, {**CHANGE, "scope": "junk"}, 422, ["scope.inclusion"]),
    (
        *("POST", UPDATE, {**CHANGE, "key": "email", "value": "b!"}, 422),
        ["value.too_short", "value.invalid"],
    ),
    (
        *("POST", UPDATE, {**CHANGE, "value": "b!", "replace": "true"}, 422),
        ["value.too_short", "value.invalid"],
    ),
    ("POST", UPDATE, {**CHANGE, "replace": "abc"}, 422, ["admin.user.non_boolean_replace"]),
    ("POST", UPDATE, {**CHANGE, "replace": "false"}, 404, ["admin.label.doesnt_exist"]),
    ("DELETE", LABELS, DELETE, 404, ["admin.label.doesnt_exist"]),
    (
        "DELETE",
        LABELS,
        {**DELETE, "key": "email", "scope": "public"},
        404,
        ["admin.label.doesnt_exist"],
    ),
]


@pytest.fixture
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member with a session."""
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture
async def uid(member: Client) -> str:
    """The member's uid."""
    return str((await member.get("resource/users/me")).body["uid"])


def private(uid: str, key: str, value: str = "verified") -> dict[str, str]:
    return {"uid": uid, "key": key, "value": value, "scope": "private"}


async def shown(admin: Client, uid: str) -> dict[str, Any]:
    """The user in the directory, whose answer may not wait for events."""
    answer = await admin.get(f"admin/users/{uid}")
    assert answer.status == 200
    return dict(answer.body)


@pytest.mark.parametrize(("method", "path", "form", "status", "codes"), REFUSED)
async def test_refused(
    admin: Client,
    uid: str,
    method: str,
    path: str,
    form: dict[str, str],
    status: int,
    codes: list[str],
) -> None:
    form = {name: uid if value == "UID" else value for name, value in form.items()}
    if method == "DELETE":
        answer = await admin.call(method, path, params=form)
    else:
        answer = await admin.call(method, path, form)

    assert (answer.status, answer.errors) == (status, codes)


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", LABELS, CREATE),
        ("PUT", LABELS, {**CHANGE, "key": "email"}),
        ("POST", UPDATE, CHANGE),
        ("DELETE", LABELS, {**DELETE, "key": "email"}),
    ],
)
async def test_nobody_labels_himself_or_a_superadmin(
    system: Installation, admin: Client, method: str, path: str, form: dict[str, str]
) -> None:
    superadmin_uid = (await admin.get("resource/users/me")).body["uid"]
    before = await shown(admin, superadmin_uid)
    async with Client(system) as staff:
        await promote(admin, staff, "admin")
        above = await staff.call(method, path, {**form, "uid": superadmin_uid})
        own = await admin.call(method, path, {**form, "uid": superadmin_uid})
    assert (above.status, above.errors) == (422, ["admin.user.superadmin_change"])
    assert (own.status, own.errors) == (422, ["admin.user.update_himself"])
    assert (await shown(admin, superadmin_uid))["labels"] == before["labels"]


async def test_a_private_label_makes_a_level_before_it_is_answered(
    admin: Client, member: Client, uid: str, ear: Ear
) -> None:
    answer = await admin.post(LABELS, {**private(uid, " Phone "), "description": "why"})

    assert answer.status == 201
    assert list(answer.body) == [
        *("key", "value", "scope", "description", "created_at", "updated_at", "user"),
    ]
    label = {name: answer.body[name] for name in ("key", "value", "scope", "description")}
    assert label == {
        "key": "phone",
        "value": "verified",
        "scope": "private",
        "description": "why",
    }
    assert (answer.body["user"]["uid"], answer.body["user"]["level"]) == (uid, 2)
    directory = await shown(admin, uid)
    assert directory["level"] == 2
    assert [each["key"] for each in directory["labels"]] == ["email", "phone"]
    me = (await member.get("resource/users/me")).body
    assert me["level"] == 2

    [created] = await ear.called(
        "model.label.created", member.email, where=lambda event: event.record["key"] == "phone"
    )
    assert (created.record["value"], created.record["description"]) == ("verified", "why")


async def test_labels_decide_the_state_too(admin: Client, member: Client, uid: str) -> None:
    banned = await admin.post(LABELS, private(uid, "ban-fraud", "suspicious"))
    assert (banned.status, banned.body["user"]["state"]) == (201, "banned")
    assert (await shown(admin, uid))["state"] == "banned"
    assert (await member.log_in()).errors == ["identity.session.banned"]

    params = {"uid": uid, "key": "ban-fraud", "scope": "private"}
    lifted = await admin.call("DELETE", LABELS, params=params)
    assert (lifted.status, lifted.body) == (204, "")
    assert (await shown(admin, uid))["state"] == "active"
    assert (await member.log_in()).status == 201
    again = await admin.call("DELETE", LABELS, params=params)
    assert (again.status, again.errors) == (404, ["admin.label.doesnt_exist"])


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", LABELS, 200), ("POST", UPDATE, 201)]
)
async def test_a_value_is_changed_and_a_description_stays(
    admin: Client, member: Client, uid: str, ear: Ear, method: str, path: str, status: int
) -> None:
    await admin.post(LABELS, private(uid, "phone"))
    await admin.post(LABELS, {**private(uid, "document"), "description": "sharp"})
    assert (await shown(admin, uid))["level"] == 3

    answer = await admin.call(method, path, private(uid, "document", "rejected"))
    assert (answer.status, answer.body["value"]) == (status, "rejected")
    assert (answer.body["description"], answer.body["user"]["level"]) == ("sharp", 2)
    described = await admin.call(
        method, path, {**private(uid, "document", "rejected"), "description": "blurry"}
    )
    assert (described.status, described.body["description"]) == (status, "blurry")
    same = await admin.call(method, path, private(uid, "document", "rejected"))
    assert (same.status, same.body["updated_at"]) == (status, described.body["updated_at"])

    updated = await ear.called("model.label.updated", member.email, 2)
    assert [dict(e.changes) for e in updated] == [{"value": "verified"}, {"description": "sharp"}]
    assert len(await ear.called("system.document.verified", member.email)) == 1
    rejected = await ear.called("system.document.rejected", member.email, 3)
    assert [each.record["description"] for each in rejected] == ["sharp", "blurry", "blurry"]


async def test_a_label_that_is_not_there_is_added_by_an_update_unless_said_not_to(
    admin: Client, uid: str
) -> None:
    added = await admin.post(UPDATE, private(uid, "phone"))
    assert (added.status, added.body["user"]["level"]) == (201, 2)
    changed = await admin.post(UPDATE, {**private(uid, "phone", "lost-it"), "replace": "false"})
    assert (changed.status, changed.body["user"]["level"]) == (201, 1)


async def test_a_public_label_decides_nothing(admin: Client, uid: str) -> None:
    answer = await admin.post(LABELS, {"uid": uid, "key": "ban", "value": "fraud"})

    assert (answer.status, answer.body["scope"]) == (201, "public")
    assert answer.body["user"]["state"] == "active"


@pytest.mark.parametrize("change", [("role", "accountant"), ("state", "locked")])
async def test_who_lost_their_authority_meanwhile_changes_nobody(
    system: Installation, admin: Client, uid: str, change: tuple[str, str]
) -> None:
    """Though their token still says what they were."""
    async with Client(system) as staff, resource_of(system) as resource:
        staff_uid = await promote(admin, staff, "admin")
        by = Administrator(staff_uid, "admin")
        added = await resource.add_label(by, uid, "public", "colour", "green", None)
        assert added.user.uid == uid

        name, value = change
        path = "admin/users/role" if name == "role" else "admin/users/update"
        assert (await admin.post(path, {"uid": staff_uid, name: value})).status == 201
        for nobody in (by, Administrator(NOBODY, "admin")):
            with pytest.raises(Invalid) as refused:
                await resource.delete_label(nobody, uid, "public", "colour")
            assert refused.value.codes == ("authz.invalid_permission",)


@contextlib.asynccontextmanager
async def held(system: Installation, uid: str) -> AsyncIterator[None]:
    """What resource-svc knows of this user is locked until the block ends."""
    async with tables_of_resource(system) as tables, tables.transaction():
        await tables.execute("SELECT FROM users WHERE uid = $1 FOR UPDATE", uid)
        yield


async def waits(system: Installation) -> bool:
    """Whether one of resource-svc's transactions waits for a lock."""
    async with tables_of_resource(system) as tables:
        return bool(
            await tables.fetchval(
                """
                SELECT EXISTS (
                    SELECT
                    FROM pg_stat_activity
                    WHERE datname = current_database()
                      AND application_name = 'resource-svc'
                      AND wait_event_type = 'Lock'
                )
                """
            )
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", LABELS), ("POST", UPDATE), ("PUT", "admin/profiles"), ("DELETE", STORAGE)],
)
async def test_a_write_whose_author_is_demoted_before_it_is_made_is_refused(
    system: Installation, admin: Client, method: str, path: str
) -> None:
    """The gateway let the author through, and the demotion was answered since then."""
    async with Client(system) as one, Client(system) as other:
        uids = {str((await each.become_member()).body["uid"]): each for each in (one, other)}
        # Users are locked in the order of their uids: the author is not, while the write waits.
        target, author = sorted(uids)
        role = {"uid": author, "role": "admin"}
        assert (await admin.post("admin/users/role", role)).status == 201
        form = {**private(target, "phone"), "title": "company"}
        async with held(system, target):
            write = asyncio.create_task(uids[author].call(method, path, form))
            await until(lambda: waits(system))
            demoted = await admin.post("admin/users/role", {**role, "role": "support"})
            assert demoted.status == 201
        answer = await write

    assert (answer.status, answer.errors) == (422, ["authz.invalid_permission"])
    assert [each["key"] for each in (await shown(admin, target))["labels"]] == ["email"]


async def test_a_write_whose_target_is_promoted_before_it_is_made_is_refused(
    system: Installation, admin: Client
) -> None:
    async with Client(system) as one, Client(system) as other:
        uids = {str((await each.become_member()).body["uid"]): each for each in (one, other)}
        author, target = sorted(uids)
        role = {"uid": author, "role": "admin"}
        assert (await admin.post("admin/users/role", role)).status == 201
        async with held(system, author):
            write = asyncio.create_task(uids[author].post(LABELS, private(target, "phone")))
            await until(lambda: waits(system))
            promoted = await admin.post("admin/users/role", {**role, "uid": target})
            assert promoted.status == 201
        answer = await write
    assert (answer.status, answer.errors) == (422, ["admin.user.higher_role"])


@pytest.mark.parametrize("known", ["other roles", "nobody"])
async def test_an_event_that_is_late_refuses_nobody(
    system: Installation, admin: Client, uid: str, known: str
) -> None:
    """resource-svc asks identity-svc before it refuses what it may know too little of."""
    async with Client(system) as staff:
        author = await promote(admin, staff, "admin")
        async with tables_of_resource(system) as tables:
            if known == "nobody":
                await tables.execute("DELETE FROM users WHERE uid = ANY($1)", [author, uid])
            else:
                await tables.execute(
                    """
                    UPDATE users
                    SET version = version - 1,
                        role = CASE uid WHEN $1 THEN 'member' ELSE 'superadmin' END
                    WHERE uid IN ($1, $2)
                    """,
                    author,
                    uid,
                )
        answer = await staff.post(LABELS, private(uid, "phone"))
    assert (answer.status, answer.body["user"]["level"]) == (201, 2)


async def test_without_identity_nothing_is_refused_wrongly_and_no_door_is_open(
    system: Installation, admin: Client, uid: str
) -> None:
    """What resource-svc knows suffices to let a write pass, not to refuse one."""
    async with Client(system) as staff, Client(system) as other:
        author, above = [await promote(admin, who, "admin") for who in (staff, other)]
    nowhere = {"BARONG_IDENTITY_INTERNAL_URL": f"http://127.0.0.1:{ports.free_ports(1)[0]}"}
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
    tokens = ServiceTokens(ADMIN, KeyRing.parse(KEY))
    by, label = Administrator(author, "admin"), ("private", "phone", "verified", None)
    async with running(system.service("resource", **free, **nowhere)) as own:
        resource = ResourceClient(own.internal, tokens)
        async with resource.opened():
            for who, whom in (
                (by, above),
                (by, NOBODY),
                (by, author),
                (Administrator(author, "superadmin"), uid),
                (Administrator(uid, "admin"), above),
            ):
                with pytest.raises(Unavailable):
                    await resource.add_label(who, whom, *label)
            changed = await resource.add_label(by, uid, *label)
    assert (changed.after or {})["key"] == "phone"
    assert changed.user.level == 1  # until identity-svc hears of the label's event

    async def applied() -> bool:
        return bool((await shown(admin, uid))["level"] == 2)

    assert await until(applied)


async def test_two_administrators_label_one_user(
    system: Installation, admin: Client, uid: str
) -> None:
    async with Client(system) as staff:
        await promote(admin, staff, "admin")
        answers = await asyncio.gather(
            *(who.post(LABELS, private(uid, "phone")) for who in (admin, staff)),
            *(who.post(LABELS, private(uid, "document")) for who in (admin, staff)),
        )
    assert sorted(answer.status for answer in answers) == [201, 201, 422, 422]
    assert all(answer.errors == ["key.taken"] for answer in answers if answer.status == 422)
    directory = await shown(admin, uid)
    assert directory["level"] == 3
    assert sorted(each["key"] for each in directory["labels"]) == ["document", "email", "phone"]
