"""A caller who has a whitelink lets their own address in."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import aiohttp
import pytest

from shared.process import running
from tests.support.client import Answer, Client
from tests.support.system import Installation

ACCESS = "identity/users/access"

_addresses = (f"203.0.113.{n}" for n in itertools.count(1))


@pytest.fixture
async def admin(system: Installation) -> AsyncIterator[Client]:
    async with Client(system) as made:
        assert (await made.log_in_as_superadmin()).status == 201
        yield made


@pytest.fixture
async def token(admin: Client) -> str:
    """A living whitelink."""
    answer = await admin.post("admin/restrictions/whitelink")
    assert answer.status == 201
    return str(answer.body["whitelink_token"])


async def use(client: Client, token: str, address: str) -> Answer:
    return await client.post(
        ACCESS, {"whitelink_token": token}, headers={"X-Forwarded-For": address}
    )


@pytest.mark.parametrize(
    ("form", "status", "errors"),
    [
        (
            {},
            400,
            [
                "identity.user.missing_whitelink_token",
                "identity.user.empty_whitelink_token",
            ],
        ),
        ({"whitelink_token": ""}, 400, ["identity.user.empty_whitelink_token"]),
        ({"whitelink_token": "  "}, 400, ["identity.user.empty_whitelink_token"]),
        ({"whitelink_token": "junk"}, 422, ["identity.user.access.invalid_token"]),
        ({"whitelink_token": "0" * 64}, 422, ["identity.user.access.invalid_token"]),
        ({"whitelink_token": "0" * 2000}, 422, ["invalid"]),
    ],
)
async def test_refused(
    client: Client, form: dict[str, str], status: int, errors: list[str]
) -> None:
    answer = await client.post(ACCESS, form)
    assert (answer.status, answer.errors) == (status, errors)


# Barong refused IPv6 addresses with `value.invalid`.
@pytest.mark.parametrize("address", ["", "2001:db8::7"])
async def test_an_address_is_let_in_once(
    client: Client, admin: Client, token: str, address: str
) -> None:
    address = address or next(_addresses)
    answer = await use(client, token, address)
    assert (answer.status, answer.body) == (201, "")
    again = await use(client, token, address)
    assert (again.status, again.errors) == (422, ["value.taken"])
    rows = (await admin.get("admin/restrictions", params={"category": "whitelist"})).body
    assert address in [row["value"] for row in rows]


async def test_fifty_at_once_are_one(client: Client, token: str) -> None:
    address = next(_addresses)
    answers = await asyncio.gather(*(use(client, token, address) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 49


async def test_without_admin_svc_nobody_knows(system: Installation) -> None:
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
    nowhere = {"BARONG_ADMIN_INTERNAL_URL": "http://127.0.0.1:1"}
    async with (
        running(system.service("identity", **free, **nowhere)) as addresses,
        aiohttp.ClientSession(addresses.public) as http,
        http.post(f"/api/v2/{ACCESS}", data={"whitelink_token": "x"}) as got,
    ):
        assert got.status == 503
        assert await got.json() == {"errors": ["server.unavailable"]}
        assert int(got.headers["Retry-After"]) > 0
