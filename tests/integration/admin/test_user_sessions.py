"""/admin/users/sessions through the gateway: administrators see and end sessions of users."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.contracts.administration import Administrator
from shared.contracts.services import ADMIN
from shared.errors import Invalid
from tests.integration.admin.test_audit import of_user
from tests.support.client import USER_AGENT, Client
from tests.support.events import Ear
from tests.support.internal import identity_of
from tests.support.staff import promote
from tests.support.system import Installation
from tests.support.waiting import HEARD_SECONDS, until

SESSIONS, ME = "admin/users/sessions", "resource/users/me"
NOBODY = "ID0000000000"
UID = ["admin.user.missing_uid", "admin.user.empty_uid"]
UNKNOWN = (404, ["admin.session.doesnt_exist"])


@pytest.fixture
async def member(client: Client, admin: Client) -> Client:
    """A member with one session."""
    uid = (await client.become_member()).body["uid"]
    await admin.call("DELETE", SESSIONS, {"uid": uid})
    assert (await client.log_in()).status == 201
    return client


@pytest.fixture
async def uid(member: Client) -> str:
    return str((await member.get(ME)).body["uid"])


@pytest.fixture
async def other(member: Client, system: Installation) -> AsyncIterator[Client]:
    """The same user at another browser."""
    async with Client(system) as made:
        made.email = member.email
        assert (await made.log_in()).status == 201
        yield made


async def sessions_of(admin: Client, uid: str) -> list[dict[str, Any]]:
    answer = await admin.get(SESSIONS, params={"uid": uid})
    assert (answer.status, answer.headers["Total"]) == (200, str(len(answer.body)))
    return list(answer.body)


async def ended(client: Client) -> None:
    """Returns when the gateway refuses the client's session."""

    async def refused() -> bool:
        answer = await client.get(ME)
        return answer.status == 401 and answer.errors == ["authz.invalid_session"]

    assert await until(refused, HEARD_SECONDS)


async def test_sessions_are_listed_the_newest_first(
    admin: Client, member: Client, other: Client, uid: str
) -> None:
    newest, oldest = await sessions_of(admin, uid)
    assert list(newest) == ["id", "user_ip", "user_agent", "created_at", "expires_at"]
    assert (newest["user_ip"], newest["user_agent"]) == ("127.0.0.1", USER_AGENT)
    own = {each["id"]: each["current"] for each in (await other.get("resource/sessions")).body}
    assert own == {newest["id"]: True, oldest["id"]: False}
    assert member.cookie not in str([newest, oldest])
    page = await admin.get(SESSIONS, params={"uid": uid, "page": 2, "limit": 1})
    assert [each["id"] for each in page.body] == [oldest["id"]]
    assert (page.headers["Total"], page.headers["Per-Page"]) == ("2", "1")


async def test_one_session_ends_and_the_others_go_on(
    admin: Client, member: Client, other: Client, uid: str, ear: Ear, system: Installation
) -> None:
    assert (await other.get(ME)).status == 200
    newest, oldest = await sessions_of(admin, uid)
    answer = await admin.call("DELETE", SESSIONS, params={"uid": uid, "id": newest["id"].upper()})
    assert (answer.status, answer.body) == (204, "")
    await ended(other)
    assert (await member.get(ME)).status == 200
    assert await sessions_of(admin, uid) == [oldest]
    again = await admin.call("DELETE", SESSIONS, {"uid": uid, "id": newest["id"]})
    assert (again.status, again.errors) == UNKNOWN

    [told] = await ear.called(
        "system.session.revoked", member.email, where=lambda e: e.record["sid"] == newest["id"]
    )
    assert told.record["user"]["uid"] == uid
    *_, intent, outcome, _, refused = await of_user(system, uid)
    wanted = {"session": newest["id"].upper()}
    assert intent == ("intent", "user.sessions", None, {"wanted": wanted})
    said = {"before": {"sessions": [newest["id"]]}, "after": None}
    assert outcome == ("outcome", "user.sessions", "done", said)
    assert refused[2:] == ("refused", {"codes": UNKNOWN[1]})


async def test_all_sessions_end_at_once(
    admin: Client, member: Client, other: Client, uid: str, ear: Ear, system: Installation
) -> None:
    sids = {each["id"] for each in await sessions_of(admin, uid)}
    answer = await admin.call("DELETE", SESSIONS, {"uid": uid})
    assert (answer.status, answer.body) == (204, "")
    await ended(member)
    await ended(other)
    assert await sessions_of(admin, uid) == []
    assert await ear.called(
        "system.session.revoked", member.email, where=lambda e: e.record["sid"] is None
    )
    outcome = (await of_user(system, uid))[-1]
    assert outcome[:3] == ("outcome", "user.sessions", "done")
    assert set(outcome[3]["before"]["sessions"]) == sids
    # Nobody is banned by it, and a repetition ends nothing.
    assert (await admin.call("DELETE", SESSIONS, {"uid": uid})).status == 204
    assert (await member.log_in()).status == 201


async def test_of_two_who_end_one_session_one_is_told_that_it_is_gone(
    admin: Client, member: Client, uid: str, system: Installation
) -> None:
    (session,) = await sessions_of(admin, uid)
    form = {"uid": uid, "id": session["id"]}
    answers = await asyncio.gather(*(admin.call("DELETE", SESSIONS, form) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [204, 404, 404, 404]
    await ended(member)


REFUSED: list[tuple[dict[str, Any], int, list[str]]] = [
    ({}, 422, UID),
    ({"uid": ""}, 422, UID[1:]),
    ({"uid": "UID", "id": ""}, 422, ["admin.session.empty_id"]),
    ({"uid": "UID", "id": " "}, 422, ["admin.session.empty_id"]),
    ({"uid": "UID", "id": "x" * 2000}, 422, ["invalid"]),
    ({"uid": "UID", "id": {"a": 1}}, 422, ["invalid"]),
    ({"uid": "UID", "id": "a/b?c"}, *UNKNOWN),
    ({"uid": "UID", "id": str(uuid.uuid4())}, *UNKNOWN),
    ({"uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
    ({"uid": NOBODY, "id": str(uuid.uuid4())}, 404, ["admin.user.doesnt_exist"]),
    ({"uid": "../x"}, 404, ["admin.user.doesnt_exist"]),
]


@pytest.mark.parametrize(("form", "status", "codes"), REFUSED)
async def test_what_names_no_session_ends_none(
    admin: Client, member: Client, uid: str, form: dict[str, Any], status: int, codes: list[str]
) -> None:
    form = {name: uid if value == "UID" else value for name, value in form.items()}
    answer = await admin.call("DELETE", SESSIONS, json=form)
    assert (answer.status, answer.errors) == (status, codes)
    assert (await member.get(ME)).status == 200


async def test_a_session_of_somebody_else_is_not_that_user_s(
    admin: Client, member: Client, uid: str, system: Installation
) -> None:
    async with Client(system) as other_member:
        theirs = (await other_member.become_member()).body["uid"]
        (session, *_) = await sessions_of(admin, uid)
        answer = await admin.call("DELETE", SESSIONS, {"uid": theirs, "id": session["id"]})
    assert (answer.status, answer.errors) == UNKNOWN
    assert (await member.get(ME)).status == 200


async def test_nobody_lists_sessions_of_who_is_not_there(admin: Client) -> None:
    for params, status, codes in (
        ({"uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
        ({}, 422, UID),
        ({"uid": NOBODY, "limit": "101"}, 422, ["invalid_limit"]),
    ):
        answer = await admin.get(SESSIONS, params=params)
        assert (answer.status, answer.errors) == (status, codes)


async def test_nobody_ends_sessions_of_themself_or_of_a_higher_role(
    admin: Client, system: Installation
) -> None:
    superadmin = str((await admin.get(ME)).body["uid"])
    own = await admin.call("DELETE", SESSIONS, {"uid": superadmin})
    assert (own.status, own.errors) == (422, ["admin.user.update_himself"])
    async with Client(system) as staff:
        by = Administrator(await promote(admin, staff, "admin"), "admin")
        above = await staff.call("DELETE", SESSIONS, {"uid": superadmin})
        assert (above.status, above.errors) == (422, ["admin.user.superadmin_change"])
        await admin.call("PUT", "admin/users", {"uid": by.uid, "state": "locked"})
    async with identity_of(system, ADMIN) as identity:
        with pytest.raises(Invalid) as refused:
            await identity.end_sessions(by, superadmin, None)
    assert refused.value.codes == ("authz.invalid_permission",)


@pytest.mark.parametrize(
    ("role", "lists", "ends"), [("support", 200, 401), ("accountant", 200, 401)]
)
async def test_roles(
    admin: Client, system: Installation, uid: str, role: str, lists: int, ends: int
) -> None:
    async with Client(system) as staff:
        await promote(admin, staff, role)

        async def felt() -> bool:
            return (await staff.get("admin/users")).status == 200

        assert await until(felt)
        assert (await staff.get(SESSIONS, params={"uid": uid})).status == lists
        assert (await staff.call("DELETE", SESSIONS, {"uid": uid})).status == ends
