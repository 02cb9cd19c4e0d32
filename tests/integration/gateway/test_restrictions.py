"""Restrictions, as restricted clients see them."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.process import running
from tests.support.client import Answer, Client
from tests.support.places_file import write_places
from tests.support.system import Installation, started
from tests.support.waiting import until

RESTRICTIONS = "admin/restrictions"
TIME = "identity/time"
FELT_SECONDS = 20  # the gateway gets an event; it would poll by itself only later

_numbers = itertools.count(1)


@pytest.fixture
def address() -> str:
    """An address that nothing else in the run uses (RFC 5737)."""
    return f"192.0.2.{next(_numbers)}"


async def call_from(client: Client, address: str, path: str = TIME) -> Answer:
    return await client.get(path, headers={"X-Forwarded-For": address})


def answers(
    client: Client, address: str, status: int, path: str = TIME
) -> Callable[[], Awaitable[Answer | None]]:
    """The answer to a call from `address`, once it has this status."""

    async def ask() -> Answer | None:
        answer = await call_from(client, address, path)
        return answer if answer.status == status else None

    return ask


async def add(admin: Client, category: str, scope: str, value: str, **more: Any) -> dict[str, Any]:
    form = {"category": category, "scope": scope, "value": value, **more}
    answer = await admin.post(RESTRICTIONS, form)
    assert answer.status == 201
    added: dict[str, Any] = answer.body
    return added


@pytest.mark.parametrize(
    ("category", "scope", "value", "code", "status"),
    [
        ("blacklist", "ip", "192.0.2.{}", None, 401),
        ("blacklist", "ip", "2001:db8:a::{}", None, 401),
        ("blacklist", "ip_subnet", "192.0.2.{}/32", None, 403),
        ("blacklist", "ip_subnet", "2001:db8:b:{}::/64", None, 403),
        ("maintenance", "ip", "192.0.2.{}", None, 471),
        ("blacklist", "ip", "192.0.2.{}", 418, 418),
        ("blacklist", "ip", "192.0.2.{}", 599, 599),
    ],
)
async def test_a_restriction_takes_effect_changes_and_ends(
    admin: Client,
    client: Client,
    category: str,
    scope: str,
    value: str,
    code: int | None,
    status: int,
) -> None:
    value = value.format(next(_numbers))
    caller = value.partition("/")[0]
    assert (await call_from(client, caller)).status == 200
    more = {} if code is None else {"code": code}
    row = await add(admin, category, scope, value, **more)
    answer = await until(answers(client, caller, status), FELT_SECONDS)
    assert answer is not None
    assert answer.errors == [f"authz.restrict.{category}"]
    for path in ("resource/users/me", "/api/v2/auth/api/v2/barong/identity/time"):
        assert (await call_from(client, caller, path)).status == status
    assert (await client.get(TIME)).status == 200

    changed = await admin.call("PUT", RESTRICTIONS, {"id": row["id"], "code": 444})
    assert changed.status == 200
    assert await until(answers(client, caller, 444), FELT_SECONDS)
    off = await admin.call("PUT", RESTRICTIONS, {"id": row["id"], "state": "disabled"})
    assert off.status == 200
    assert await until(answers(client, caller, 200), FELT_SECONDS)
    await admin.call("PUT", RESTRICTIONS, {"id": row["id"], "state": "enabled"})
    assert await until(answers(client, caller, 444), FELT_SECONDS)
    await admin.call("DELETE", RESTRICTIONS, params={"id": row["id"]})
    assert await until(answers(client, caller, 200), FELT_SECONDS)


async def test_a_forged_address_does_not_count(admin: Client, client: Client, address: str) -> None:
    """The rightmost entry that is no trusted proxy is the client."""
    await add(admin, "blacklist", "ip", address)
    assert await until(answers(client, address, 401), FELT_SECONDS)
    for chain, status in (
        (f"198.51.100.9, {address}", 401),
        (f"{address}, 198.51.100.9", 200),
        (f"::ffff:{address}", 401),
        (f"{address}, 127.0.0.9", 401),
    ):
        assert (await call_from(client, chain)).status == status, chain


async def test_a_whitelink_lets_a_restricted_client_in(
    admin: Client, client: Client, address: str
) -> None:
    made = await admin.post("admin/restrictions/whitelink")
    token = made.body["whitelink_token"]
    await add(admin, "blacklist", "ip", address)
    assert await until(answers(client, address, 401), FELT_SECONDS)

    async def use(token: str, path: str = "identity/users/access") -> Answer:
        headers = {"X-Forwarded-For": address}
        return await client.post(path, {"whitelink_token": token}, headers=headers)

    wrong = await use("0" * 64)
    assert (wrong.status, wrong.errors) == (422, ["identity.user.access.invalid_token"])
    beside = await use(token, "identity/users")
    assert (beside.status, beside.errors) == (401, ["authz.restrict.blacklist"])
    assert (await use(token)).status == 201
    assert await until(answers(client, address, 200), FELT_SECONDS)


@pytest.mark.parametrize("path", ["/api/v2/identity/users/access", "/identity/users/access/"])
async def test_the_whitelink_path_is_unrestricted_under_all_its_names(
    admin: Client, client: Client, address: str, path: str
) -> None:
    await add(admin, "blacklist", "ip", address)
    assert await until(answers(client, address, 401), FELT_SECONDS)
    url = client.system.gateway_url + path
    form, headers = {"whitelink_token": "x"}, {"X-Forwarded-For": address}
    async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=headers) as got:
        assert (got.status, await got.json()) == (
            422,
            {"errors": ["identity.user.access.invalid_token"]},
        )


async def test_during_maintenance_only_whitelisted_clients_may_call(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as admin, Client(system) as client:
        assert (await admin.log_in_as_superadmin()).status == 201
        await add(admin, "whitelist", "ip", "127.0.0.1")
        row = await add(admin, "maintenance", "all", "all")
        answer = await until(answers(client, "192.0.2.1", 471), FELT_SECONDS)
        assert answer is not None
        assert answer.errors == ["authz.restrict.maintenance"]
        assert (await call_from(client, "2001:db8::1")).status == 471
        assert (await admin.get("resource/users/me")).status == 200
        await admin.call("DELETE", RESTRICTIONS, params={"id": row["id"]})
        assert await until(answers(client, "192.0.2.1", 200), FELT_SECONDS)


@asynccontextmanager
async def gateway_of(system: Installation, **changes: str) -> AsyncIterator[str]:
    """Another gateway of the system, once it has loaded its policy."""
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
    async with (
        running(system.service("gateway", **free, **changes)) as addresses,
        aiohttp.ClientSession() as http,
    ):

        async def decides() -> bool:
            async with http.get(f"{addresses.internal}/health/ready") as got:
                return got.status == 200

        await until(decides)
        yield addresses.public or ""


async def test_countries_and_continents_are_those_of_a_file(
    admin: Client, client: Client, system: Installation, tmp_path: Path
) -> None:
    for scope, value in (("country", "GERMANY"), ("continent", "as")):
        await add(admin, "blacklist", scope, value)
    await add(admin, "whitelist", "ip", "198.51.100.77")
    path = write_places(tmp_path / "places.mmdb")
    async with (
        gateway_of(system, BARONG_MAXMINDDB_PATH=str(path)) as url,
        aiohttp.ClientSession() as http,
    ):
        for caller, status in (
            ("198.51.100.5", 423),
            ("2001:db8:d::5", 423),
            ("198.51.100.200", 423),
            ("203.0.113.250", 200),
            ("192.0.2.250", 200),
            ("198.51.100.77", 200),
        ):
            headers = {"X-Forwarded-For": caller}
            async with http.get(f"{url}/identity/time", headers=headers) as got:
                assert got.status == status, caller
    assert (
        await call_from(client, "198.51.100.5")
    ).status == 200  # without a file no address has a place
