"""Whether a log-in comes from a device or a network that is new to the account."""

import secrets

import pytest

from identity_svc.sessions.models import ORIGINS_PER_USER
from tests.integration.identity.test_passkeys import add
from tests.integration.identity.test_passkeys import log_in as log_in_by_passkey
from tests.support.client import Client
from tests.support.events import Ear
from tests.support.internal import tables_of_identity
from tests.support.passkeys import SoftAuthenticator
from tests.support.system import Installation

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/{0}.0.0.0 Safari/537.36"


@pytest.fixture
async def member(client: Client) -> Client:
    """A member who signed up and confirmed with Firefox, from 198.18.0.0/16."""
    client.headers = {"User-Agent": FIREFOX.format(140), "X-Forwarded-For": "198.18.0.1"}
    await client.become_member()
    return client


async def log_in(client: Client, ear: Ear, user_agent: str, address: str) -> tuple[bool, bool]:
    """What the event of a log-in says about device and network."""
    before = len([e for e in ear.events if e.name == "system.session.create"])
    client.headers = {"User-Agent": user_agent, "X-Forwarded-For": address}
    assert (await client.log_in()).status == 201
    [*_, event] = await ear.called("system.session.create", client.email, before + 1)
    return event.record["new_device"], event.record["new_network"]


async def test_each_origin_is_new_once(member: Client, ear: Ear) -> None:
    firefox, chrome = FIREFOX.format(140), CHROME.format(140)

    assert await log_in(member, ear, firefox, "198.18.0.1") == (False, False)
    assert await log_in(member, ear, FIREFOX.format(141), "198.18.200.7") == (False, False)
    assert await log_in(member, ear, chrome, "198.18.0.1") == (True, False)
    assert await log_in(member, ear, chrome, "198.18.0.1") == (False, False)
    assert await log_in(member, ear, firefox, "198.51.100.1") == (False, True)
    assert await log_in(member, ear, firefox, "2001:db8::1") == (False, True)
    assert await log_in(member, ear, firefox, "2001:db8::2") == (False, False)
    assert await log_in(member, ear, "", "203.0.113.1") == (True, True)


async def test_a_log_in_with_a_passkey_tells_its_origin(member: Client, ear: Ear) -> None:
    passkey = SoftAuthenticator()
    assert (await add(member, passkey)).status == 201
    address = "203.0.113.1"
    async with Client(member.system) as elsewhere:
        elsewhere.headers = {"User-Agent": CHROME.format(140), "X-Forwarded-For": address}
        for _ in range(2):
            assert (await log_in_by_passkey(elsewhere, passkey)).status == 201
    first, second = await ear.called(
        *("system.session.create", member.email, 2),
        where=lambda event: event.record["user_ip"] == address,
    )
    assert (first.record["new_device"], first.record["new_network"]) == (True, True)
    assert (second.record["new_device"], second.record["new_network"]) == (False, False)


async def test_an_account_without_known_origins_has_no_new_ones(
    member: Client, ear: Ear, system: Installation
) -> None:
    """Accounts that were imported, or are older than this release, get no mail at once."""
    async with tables_of_identity(system) as tables:
        await tables.execute(
            "DELETE FROM session_origins USING users"
            " WHERE users.uid = session_origins.uid AND email = $1",
            member.email,
        )

    assert await log_in(member, ear, CHROME.format(1), "203.0.113.1") == (False, False)
    assert await log_in(member, ear, FIREFOX.format(1), "203.0.113.1") == (True, False)


async def test_origins_unused_for_long_are_new_again(
    member: Client, ear: Ear, system: Installation
) -> None:
    assert await log_in(member, ear, CHROME.format(1), "203.0.113.1") == (True, True)
    async with tables_of_identity(system) as tables:
        await tables.execute(
            "UPDATE session_origins SET seen_at = now() - interval '181 days' FROM users"
            " WHERE users.uid = session_origins.uid AND email = $1 AND network = '203.0.0.0/16'",
            member.email,
        )

    assert await log_in(member, ear, CHROME.format(1), "203.0.113.1") == (True, True)


async def test_an_account_has_a_bounded_number_of_origins(
    member: Client, system: Installation
) -> None:
    async with tables_of_identity(system) as tables:
        uid = await tables.fetchval("SELECT uid FROM users WHERE email = $1", member.email)
        for number in range(ORIGINS_PER_USER + 5):
            await tables.execute(
                "INSERT INTO session_origins (uid, device, network, seen_at)"
                " VALUES ($1, $2, '203.0.0.0/16', now() - make_interval(days => $3))",
                uid,
                secrets.token_bytes(16),
                number + 1,
            )
        assert (await member.log_in()).status == 201
        rows = await tables.fetch(
            "SELECT network::text, seen_at FROM session_origins WHERE uid = $1", uid
        )

    assert len(rows) == ORIGINS_PER_USER
    assert "198.18.0.0/16" in {row["network"] for row in rows}


async def test_who_signed_up_with_the_address_of_another_makes_no_device_known(
    client: Client, ear: Ear
) -> None:
    """Whoever proves the address owns the account: what others did before is forgotten."""
    client.headers = {"User-Agent": CHROME.format(1), "X-Forwarded-For": "203.0.113.1"}
    await client.sign_up()
    async with Client(client.system) as owner:
        owner.email = client.email
        owner.headers = {"User-Agent": FIREFOX.format(1), "X-Forwarded-For": "198.18.0.1"}
        assert (await owner.confirm()).status == 201

    assert await log_in(client, ear, CHROME.format(1), "203.0.113.1") == (True, True)
