"""Administrators cannot lock themselves out, and locked-out ones can get in again."""

from pathlib import Path

import pytest

from tests.integration.gateway.test_restrictions import FELT_SECONDS, RESTRICTIONS, add, answers
from tests.support.client import Client
from tests.support.own_service import client_of
from tests.support.places_file import write_places
from tests.support.seeds import command, outcome
from tests.support.system import Installation, started
from tests.support.waiting import until

LOCKS_OUT = (422, ["admin.restriction.locks_out_yourself"])
HOME = "198.51.100.5"  # in Germany, according to the places file


async def refused(admin: Client, form: dict[str, str], method: str = "POST") -> None:
    answer = await admin.call(method, RESTRICTIONS, form)
    assert (answer.status, answer.errors) == LOCKS_OUT


@pytest.mark.parametrize("category", ["blacklist", "maintenance"])
@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("all", "all"),
        ("all", "everybody"),
        ("ip", HOME),
        ("ip_subnet", "198.51.100.0/24"),
        ("ip_subnet", "0.0.0.0/0"),
        ("country", "Germany"),
        ("country", "de"),
        ("continent", "EUROPE"),
    ],
)
async def test_a_restriction_of_its_own_author_is_refused(
    system: Installation, tmp_path: Path, category: str, scope: str, value: str
) -> None:
    path = str(write_places(tmp_path / "places.mmdb"))
    async with client_of(system, "admin", BARONG_MAXMINDDB_PATH=path) as admin:
        admin.headers["X-Forwarded-For"] = HOME
        assert (await admin.log_in_as_superadmin()).status == 201
        terms = {"category": category, "scope": scope, "value": value}
        before = (await admin.get(RESTRICTIONS, params={"limit": "1", **terms})).headers["Total"]
        await refused(admin, terms)
        after = (await admin.get(RESTRICTIONS, params={"limit": "1", **terms})).headers["Total"]
        assert after == before


async def test_an_author_with_a_whitelisted_address_may(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as admin, Client(system) as client:
        assert (await admin.log_in_as_superadmin()).status == 201
        everybody = {"category": "blacklist", "scope": "all", "value": "all"}
        await refused(admin, everybody)
        # A disabled one is harmless; enabled, it would not be.
        row = await add(admin, **everybody, state="disabled")
        await refused(admin, {"id": str(row["id"]), "state": "enabled"}, "PUT")

        way_in = await add(admin, "whitelist", "ip_subnet", "127.0.0.0/8")
        changed = await admin.call("PUT", RESTRICTIONS, {"id": str(row["id"]), "state": "enabled"})
        assert changed.status == 200
        assert await until(answers(client, "192.0.2.1", 401), FELT_SECONDS)
        assert (await admin.get("resource/users/me")).status == 200

        # A rule that lets its author in stays as long as they need it.
        await refused(admin, {"id": str(way_in["id"])}, "DELETE")
        for change in ({"state": "disabled"}, {"value": "10.0.0.0/8"}, {"category": "blacklist"}):
            await refused(admin, {"id": str(way_in["id"]), **change}, "PUT")
        assert (await admin.get("resource/users/me")).status == 200


async def test_restrictions_of_other_addresses_are_allowed(admin: Client) -> None:
    for scope, value in (("ip", "192.0.2.201"), ("ip_subnet", "192.0.2.202/32")):
        await add(admin, "blacklist", scope, value)


async def test_locked_out_administrators_get_in_again(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    environment = system.environments["admin"]
    async with started(system), Client(system) as admin, Client(system) as outside:
        assert (await admin.log_in_as_superadmin()).status == 201
        await add(admin, "whitelist", "ip", "127.0.0.1")
        await add(admin, "maintenance", "all", "all")
        await add(admin, "blacklist", "ip", "192.0.2.9")
        await until(answers(outside, "192.0.2.8", 471), FELT_SECONDS)

        # As an operator does on the host: first for one address, then for all.
        output = await command(
            "admin_svc", "restrictions-off", environment, "--address", "192.0.2.8"
        )
        assert "maintenance all all" in output
        assert "1 restrictions switched off" in output
        assert await until(answers(outside, "192.0.2.8", 200), FELT_SECONDS)
        assert await until(answers(outside, "192.0.2.9", 401), FELT_SECONDS)
        assert "1 restrictions switched off" in await command(
            "admin_svc", "restrictions-off", environment
        )
        assert await until(answers(outside, "192.0.2.9", 200), FELT_SECONDS)

        rows = (await admin.get(RESTRICTIONS)).body
        assert {row["category"]: row["state"] for row in rows} == {
            "whitelist": "enabled",
            "maintenance": "disabled",
            "blacklist": "disabled",
        }
        assert "0 restrictions" in await command("admin_svc", "restrictions-off", environment)
        code, output = await outcome(
            "admin_svc", "restrictions-off", environment, "--address", "junk"
        )
        assert (code, "junk is no address" in output) == (1, True)
        assert "entries" in await command("admin_svc", "verify-audit", environment)
