"""Keys are rotated and withdrawn by the commands of docs/operators/keys.md, and nobody notices."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from tests.deploy.test_backup import run
from tests.integration.identity.test_signing_keys import fresh_bearer, kid_of, published, status_of
from tests.integration.webhooks.test_webhooks import change_label, endpoint, verified
from tests.support.api_keys import an_owner
from tests.support.authenticator import forget_used_codes
from tests.support.client import Client
from tests.support.system import KEY, NAMES, PASSWORD, ROOT, SUPERADMIN, Installation, started
from tests.support.waiting import until
from tests.support.webhook_receiver import Receiver, webhook_receiver

PAGE = (ROOT / "docs" / "operators" / "keys.md").read_text()
ROTATE, REVOKE, NEW_KEY, REENCRYPT = re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.M)
ME, SIGNED_IN = "resource/users/me", "resource/labels"
SEALING = ("identity", "resource", "webhooks")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as made:
        yield made


def environment(system: Installation, service: str, **more: str) -> dict[str, str]:
    return {**system.environments[service], "GATEWAY_URL": system.gateway_url, **more}


def told(
    system: Installation, variable: str, values: Mapping[str, str], **settings: str
) -> Installation:
    """The same system with this variable for some services, and settings of identity-svc."""
    changed = {
        name: {
            **system.environments[name],
            **({variable: values[name]} if name in values else {}),
            **(settings if name == "identity" else {}),
        }
        for name in NAMES
    }
    return replace(system, environments=changed)


def test_the_drill_of_each_kind_of_key_is_on_the_page() -> None:
    assert "rotate-keys" in ROTATE
    assert "revoke-key" in REVOKE
    assert "/dev/urandom" in NEW_KEY
    assert REENCRYPT.count("reencrypt") == len(SEALING)


async def test_a_stolen_signing_key_is_withdrawn_and_the_next_one_rotated(
    system_of_my_own: Installation,
) -> None:
    hasty = {
        "BARONG_SIGNING_KEY_PUBLISH_SECONDS": "1",
        "BARONG_SIGNING_KEY_RELOAD_SECONDS": "1",
    }
    system = told(system_of_my_own, "", {}, **hasty)
    async with started(system), Client(system) as member:
        await member.become_member()
        before = await fresh_bearer(system)
        stolen = kid_of(before)

        await run(REVOKE, environment(system, "identity", KID=stolen))
        assert stolen not in await published(system)
        after = await until(lambda: signed_by_another(system, stolen))
        assert await status_of(system, after) == 200
        assert await status_of(system, before) == 401
        assert (await member.get(ME)).status == 200  # a session in a cookie

        output = await run(ROTATE, environment(system, "identity"))
        assert kid_of(after) in output  # what the gateway shows
        rotated = await until(lambda: signed_by_another(system, kid_of(after)))
        assert await status_of(system, rotated) == 200
        assert await status_of(system, after) == 200  # as nobody notices


async def signed_by_another(system: Installation, kid: str) -> str:
    """A new bearer, once another key signs it."""
    bearer = await fresh_bearer(system)
    return bearer if kid_of(bearer) != kid else ""


async def test_master_keys_and_service_keys_change_without_a_loss(
    system_of_my_own: Installation, receiver: Receiver
) -> None:
    old = system_of_my_own
    new = (await run(NEW_KEY, {})).strip()
    assert re.fullmatch(r"k2:[\w+/]{43}=", new)
    async with started(old), Client(old) as client, Client(old) as admin:
        owner = await an_owner(client)
        key = await owner.new_key()
        await admin.log_in_as_superadmin()
        hook = await endpoint(admin, receiver.url)

    def everywhere(variable: str, value: str) -> Installation:
        return told(old, variable, dict.fromkeys(NAMES, value))

    async def works(system: Installation) -> None:
        async with Client(system) as again:
            assert (await again.get(SIGNED_IN, headers=key.signed())).status == 200
            await forget_used_codes(again, owner.uid)
            login = {"email": client.email, "password": PASSWORD}
            code = owner.authenticator.code()
            answer = await again.post("identity/sessions", {**login, "otp_code": code})
            assert answer.status == 201
            assert (await again.get(ME)).status == 200

    # Some have the new order already, and some still the old one.
    mixed = told(old, "BARONG_SERVICE_KEYS", dict.fromkeys(NAMES, f"{KEY},{new}"))
    mixed = told(mixed, "BARONG_SERVICE_KEYS", dict.fromkeys(("gateway", "admin"), f"{new},{KEY}"))
    mixed = told(mixed, "BARONG_MASTER_KEYS", dict.fromkeys(SEALING, f"{new},{KEY}"))
    async with started(mixed):
        await works(mixed)
        lines = [line.strip() for line in REENCRYPT.splitlines()]
        for service, line in zip(SEALING, lines, strict=True):
            output = await run(line, environment(mixed, service))
            assert re.search(r": [1-9]\d* sealed under the first key", output), output
    last = told(
        everywhere("BARONG_SERVICE_KEYS", new), "BARONG_MASTER_KEYS", dict.fromkeys(SEALING, new)
    )
    async with started(last), Client(last) as member:
        await works(last)
        await member.log_in(SUPERADMIN)
        await change_label(member, "rotated")
        (call,) = await receiver.next_calls(1)
        assert verified(call, hook["secret"])
