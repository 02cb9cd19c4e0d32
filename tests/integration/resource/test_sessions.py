"""/resource/sessions, through the gateway: users see and end their sessions."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from tests.support.client import USER_AGENT, Client
from tests.support.events import Ear
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import HEARD_SECONDS, until

SESSIONS, ME = "resource/sessions", "resource/users/me"
UNKNOWN = (404, ["record.not_found"])


@pytest.fixture
async def member(client: Client) -> Client:
    """A member with one session."""
    await client.become_member()
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "DELETE FROM sessions USING users WHERE users.uid = sessions.uid AND email = $1",
            client.email,
        )
    assert (await client.log_in()).status == 201
    return client


@pytest.fixture
async def other(member: Client, system: Installation) -> AsyncIterator[Client]:
    """The same user at another browser, from elsewhere."""
    async with Client(system) as made:
        made.email = member.email
        headers = {"User-Agent": "curl/8", "X-Forwarded-For": "2001:db8::7"}
        form = {"email": member.email, "password": PASSWORD}
        assert (await made.post("identity/sessions", form, headers=headers)).status == 201
        yield made


def elsewhere() -> dict[str, str]:
    return {"User-Agent": "curl/8", "X-Forwarded-For": "2001:db8::7"}


async def sessions_of(client: Client) -> Any:
    answer = await client.get(SESSIONS)
    assert answer.status == 200
    return answer.body


async def test_who_has_one_session_sees_it(member: Client) -> None:
    answer = await member.get(SESSIONS)
    assert (answer.headers["Total"], answer.headers["Page"]) == ("1", "1")
    (session,) = answer.body
    assert list(session) == ["id", "user_ip", "user_agent", "current", "created_at", "expires_at"]
    assert uuid.UUID(session["id"])
    assert (session["user_ip"], session["user_agent"]) == ("127.0.0.1", USER_AGENT)
    assert session["current"] is True
    begins, ends = (datetime.fromisoformat(session[name]) for name in ("created_at", "expires_at"))
    assert 0 < (ends - begins).total_seconds() <= 1860


async def test_each_session_knows_which_it_is(member: Client, other: Client) -> None:
    here, there = await sessions_of(member), (await other.get(SESSIONS, headers=elsewhere())).body
    assert [s["id"] for s in here] == [s["id"] for s in there]  # the newest first
    assert [s["current"] for s in here] == [False, True]
    assert [s["current"] for s in there] == [True, False]
    assert [(s["user_ip"], s["user_agent"]) for s in here] == [
        ("2001:db8::7", "curl/8"),
        ("127.0.0.1", USER_AGENT),
    ]
    assert member.cookie not in str(here)


async def test_a_revoked_session_ends_and_the_others_go_on(
    member: Client, other: Client, ear: Ear
) -> None:
    assert (await other.get(ME, headers=elsewhere())).status == 200
    theirs = next(s["id"] for s in await sessions_of(member) if not s["current"])
    revoked = await member.call("DELETE", f"{SESSIONS}/{theirs.upper()}")
    assert (revoked.status, revoked.body) == (204, "")

    async def refused() -> bool:
        answer = await other.get(ME, headers=elsewhere())
        return answer.status == 401 and answer.errors == ["authz.invalid_session"]

    assert await until(refused, HEARD_SECONDS)
    assert [s["current"] for s in await sessions_of(member)] == [True]
    again = await member.call("DELETE", f"{SESSIONS}/{theirs}")
    assert (again.status, again.errors) == UNKNOWN

    async def heard() -> bool:
        told = [e for e in ear.events if e.name == "system.session.revoked"]
        return any(e.record["sid"] == theirs and e.id in ear.legacy for e in told)

    assert await until(heard)


async def test_the_session_at_hand_may_be_revoked(member: Client) -> None:
    (mine,) = await sessions_of(member)
    assert (await member.call("DELETE", f"{SESSIONS}/{mine['id']}")).status == 204

    async def refused() -> bool:
        return (await member.get(SESSIONS)).status == 401

    assert await until(refused, HEARD_SECONDS)


async def test_another_users_session_is_nobodys(member: Client, system: Installation) -> None:
    (mine,) = await sessions_of(member)
    async with Client(system) as other:
        await other.become_member()
        for sid in (mine["id"], str(uuid.uuid4()), "nope", "%20", "1", "x" * 300):
            answer = await other.call("DELETE", f"{SESSIONS}/{sid}")
            assert (answer.status, answer.errors) == UNKNOWN
    assert (await member.get(ME)).status == 200


async def test_what_changes_needs_the_csrf_token(member: Client) -> None:
    (mine,) = await sessions_of(member)
    member.csrf_token = ""
    answer = await member.call("DELETE", f"{SESSIONS}/{mine['id']}")
    assert (answer.status, answer.errors) == (401, ["authz.missing_csrf_token"])
    assert (await member.get(ME)).status == 200


async def test_pages(member: Client) -> None:
    for _ in range(4):
        await member.log_in()
    ids = [session["id"] for session in await sessions_of(member)]
    assert len(set(ids)) == 5
    page = await member.get(SESSIONS, params={"page": 2, "limit": 2})
    assert [session["id"] for session in page.body] == ids[2:4]
    assert (page.headers["Total"], page.headers["Per-Page"]) == ("5", "2")
    for query, codes in (
        ({"page": "0"}, ["non_positive_page"]),
        ({"limit": "101"}, ["invalid_limit"]),
        ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
    ):
        answer = await member.get(SESSIONS, params=query)
        assert (answer.status, answer.errors) == (422, codes)
