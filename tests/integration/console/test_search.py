"""The search for users by every filter, and the numbers of the first page."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.pages import Pages
from tests.support.staff import promote
from tests.support.system import Installation
from tests.support.waiting import until

BEFORE, AFTER = (str((datetime.now(UTC) + timedelta(days=days)).date()) for days in (-2, 2))


@pytest.fixture(scope="module")
async def superadmin(system: Installation, admin: Client) -> AsyncIterator[Pages]:
    """The browser of somebody of that role."""
    async with Client(system) as person, Pages(system) as made:
        await promote(admin, person, "superadmin")
        await made.log_in(person.email)
        yield made


@pytest.fixture(scope="module")
async def found(system: Installation, admin: Client) -> Mapping[str, Any]:
    """A user with everything by which one can search, as the directory has them."""
    async with Client(system) as member:
        uid = (await member.become_member()).body["uid"]
        name = "".join(secrets.choice("abcdefghij") for _ in range(10))
        form = {"first_name": f"A{name}", "last_name": f"L{name}", "country": "IS"}
        form |= {
            "dob": "1985-12-10",
            "address": "Street 1",
            "postcode": "1010",
            "city": "Reykjavik",
        }
        assert (await member.post("resource/profiles", form)).status == 201

        async def known() -> Any:
            query = {"email": member.email, "first_name": form["first_name"]}
            users = (await admin.get("admin/users", params=query)).body
            return users and {**form, **users[0]}

        user: Mapping[str, Any] = await until(known)
        assert user["uid"] == uid
        return user


async def emails(superadmin: Pages, **query: str) -> list[str]:
    """Whom the page shows."""
    shown = await superadmin.get("/console/users", params=query)
    assert shown.status == 200
    return re.findall(r"<td>([^<]+@[^<]+)</td>", shown.html)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("q", "nobody-has-this"), ("uid", "ID0000000000"), ("email", "nobody@example.com"),
        ("role", "broker"), ("first_name", "Nobody"), ("last_name", "Nobody"),
        ("country", "AQ"), ("level", "7"), ("state", "banned"),
    ],
)  # fmt: skip
async def test_a_filter_finds_and_leaves_out(
    superadmin: Pages, found: Mapping[str, Any], name: str, other: str
) -> None:
    """Beside the uid, as there may be more users than a page shows."""
    value = str(found["email" if name == "q" else name])
    mine = {} if name == "uid" else {"uid": found["uid"]}
    assert await emails(superadmin, **mine, **{name: value}) == [found["email"]]
    assert await emails(superadmin, **mine, **{name: other}) == []
    form = (await superadmin.get("/console/users", params={name: value})).html
    assert f'name="{name}"' in form
    assert f'value="{value}"' in form


@pytest.mark.parametrize("range_of", ["created", "updated"])
async def test_times_find_and_leave_out(
    superadmin: Pages, found: Mapping[str, Any], range_of: str
) -> None:
    mine = {"uid": found["uid"], "range": range_of}
    for span, wanted in (
        ({"from": BEFORE}, True),
        ({"from": BEFORE, "to": AFTER}, True),
        ({"from": AFTER}, False),
        ({"to": BEFORE}, False),
    ):
        shown = await emails(superadmin, **mine, **span)
        assert shown == ([found["email"]] if wanted else []), span


@pytest.mark.parametrize("ordering", ["asc", "desc"])
async def test_users_are_put_in_order(superadmin: Pages, ordering: str) -> None:
    shown = await emails(superadmin, order_by="email", ordering=ordering, role="superadmin")
    assert len(shown) > 1
    assert shown == sorted(shown, reverse=ordering == "desc")


async def test_a_filter_that_is_refused_is_shown_with_its_reason(superadmin: Pages) -> None:
    shown = await superadmin.get("/console/users?level=x&country=DE")
    assert shown.status == 422
    assert 'role="alert"' in shown.html
    assert 'value="x"' in shown.html
    assert 'value="DE"' in shown.html
