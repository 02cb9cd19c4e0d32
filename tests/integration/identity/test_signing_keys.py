"""Signing keys take turns, and nobody notices; a stolen one is withdrawn, and everybody does."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from barong_events import FixedKeys, Verifier
from identity_svc.core import Core
from identity_svc.settings import IdentitySettings
from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.signing_keys.use_cases import build, stored_keys
from shared.contracts.catalogue import WEBHOOK_DISABLED
from shared.contracts.records import WebhookRecord
from shared.contracts.topology import EVENTS
from shared.crypto.key_ring import KeyRing
from shared.messaging.broker import connected
from shared.process import running
from shared.settings import load_settings
from tests.support.barong_subscriber import verified
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.events import listening
from tests.support.seeds import command, outcome
from tests.support.system import KEY, PASSWORD, Installation, ready, started
from tests.support.waiting import HEARD_SECONDS, until

# A verifier asks for an unknown key two seconds after it asked last.
HASTE = {"BARONG_SIGNING_KEY_PUBLISH_SECONDS": "3", "BARONG_SIGNING_KEY_RELOAD_SECONDS": "1"}


def configured(system: Installation, **settings: str) -> Installation:
    """The same system, with other settings of identity-svc."""
    identity = {**system.environments["identity"], **settings}
    return replace(system, environments={**system.environments, "identity": identity})


@pytest.fixture
def hasty(system_of_my_own: Installation) -> Installation:
    """A system in which keys take over after seconds."""
    return configured(system_of_my_own, **HASTE)


@pytest.fixture
def operator_key(tmp_path: Path) -> Path:
    """A file with an operator's key."""
    return a_key_file(tmp_path / "operator.pem")


def a_key_file(file: Path) -> Path:
    key = rsa.generate_private_key(65537, 2048)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return file


def kid_of(bearer: str) -> str:
    return str(jwt.get_unverified_header(bearer.removeprefix("Bearer "))["kid"])


async def published(system: Installation) -> list[str]:
    """The ids of the keys in the JWKS."""
    url = f"{system.public_url('identity')}/.well-known/jwks.json"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return [key["kid"] for key in (await response.json())["keys"]]


async def command_of(system: Installation, name: str, *arguments: str) -> str:
    return await command("identity_svc", name, system.environments["identity"], *arguments)


async def fresh_bearer(system: Installation) -> str:
    """The bearer of somebody who has just signed up."""
    async with Client(system) as somebody:
        return (await somebody.sign_up()).headers["Authorization"]


async def status_of(system: Installation, bearer: str) -> int:
    """What the gateway answers to a bearer."""
    url = f"{system.gateway_url}/api/v2/barong/resource/users/me"
    headers = {"Authorization": bearer}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        return response.status


async def signs(system: Installation, kid: str, seconds: float = 10) -> str:
    """A bearer signed by this key, once it signs."""

    async def signed() -> str:
        bearer = await fresh_bearer(system)
        return bearer if kid_of(bearer) == kid else ""

    return await until(signed, seconds)


def core_of(database: TestDatabase, **settings: str) -> Core:
    environment = {
        "DATABASE_URL": database.dsns["identity"],
        "BARONG_SERVICE_KEYS": KEY,
        "BARONG_MASTER_KEYS": KEY,
        **settings,
    }
    return Core.of(load_settings(IdentitySettings, environment))


@asynccontextmanager
async def chains(
    database: TestDatabase, count: int, **settings: str
) -> AsyncIterator[list[KeyChain]]:
    """Key chains as so many instances have them, each with a pool of its own."""
    cores = [core_of(database, **settings) for _ in range(count)]
    made = [build(core) for core in cores]
    opened = [core.database.opened() for core in cores]
    await asyncio.gather(*(each.__aenter__() for each in opened))
    try:
        yield made
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in opened))


async def kids(chain: KeyChain) -> list[str]:
    return [key["kid"] for key in (await chain.jwks())["keys"]]


async def algorithm_of_events(chain: KeyChain) -> str:
    """What an event is signed with now, which somebody else's library verifies."""
    record = WebhookRecord(id=1, url="https://example.com", reason="gone")
    event = WEBHOOK_DISABLED.event(record)
    [body] = await chain.sign([event])
    document = await chain.jwks()
    opened = await Verifier(FixedKeys(document)).open(body)
    assert opened.id == event.id
    [signature] = json.loads(body)["signatures"]
    [key] = [each for each in document["keys"] if each["kid"] == signature["header"]["kid"]]
    header = jwt.get_unverified_header(f"{signature['protected']}..")
    assert header["alg"] == key["alg"]
    return str(key["alg"])


async def algorithm_of_tokens(chain: KeyChain) -> str:
    now = datetime.now(UTC)
    token = chain.token({"aud": "barong"}, now, now + timedelta(minutes=1), "at+jwt")
    key = jwt.PyJWKSet.from_dict(dict(await chain.jwks()))[kid_of(token)]
    jwt.decode(token, key, algorithms=["RS256"], audience="barong")
    return str(key.algorithm_name)


async def test_a_new_installation_signs_events_with_es256_at_once(database: TestDatabase) -> None:
    async with chains(database, 3, BARONG_EVENT_ALGORITHM="ES256") as instances:
        await asyncio.gather(*(chain.load() for chain in instances))
        for chain in instances:
            assert await algorithm_of_events(chain) == "ES256"
            assert await algorithm_of_tokens(chain) == "RS256"
    async with database.connected() as connection:
        made = await connection.fetch("SELECT algorithm FROM identity.signing_keys")
    assert sorted(row["algorithm"] for row in made) == ["ES256", "RS256"]


async def test_es256_takes_over_once_its_key_was_published_and_leaves_again(
    database: TestDatabase,
) -> None:
    async with chains(database, 1) as [before]:
        await before.load()
        es256 = {"BARONG_EVENT_ALGORITHM": "ES256", "BARONG_SIGNING_KEY_PUBLISH_SECONDS": "1"}
        async with chains(database, 1, **es256) as [chain]:
            await chain.load()
            assert len(await kids(chain)) == 2
            assert await algorithm_of_events(chain) == "RS256"  # verifiers may not have it yet

            async def taken_over() -> bool:
                await chain.load()
                return await algorithm_of_events(chain) == "ES256"

            await until(taken_over)
            assert await algorithm_of_tokens(chain) == "RS256"
        await before.load()
        assert await algorithm_of_events(before) == "RS256"
        assert await kids(before) == await kids(chain)  # what ES256 signed still verifies


async def test_a_stolen_key_of_events_is_replaced_by_one_of_its_kind(
    database: TestDatabase,
) -> None:
    settings = {"BARONG_EVENT_ALGORITHM": "ES256"}
    async with chains(database, 1, **settings) as [chain]:
        await chain.load()
        [stolen] = [each["kid"] for each in (await chain.jwks())["keys"] if each["kty"] == "EC"]
        core = core_of(database, **settings)
        async with core.database.opened():
            await stored_keys(core).revoke(stolen)
        await chain.load()
        assert stolen not in await kids(chain)
        assert await algorithm_of_events(chain) == "ES256"
        assert await algorithm_of_tokens(chain) == "RS256"


async def test_ten_instances_make_one_first_key(database: TestDatabase) -> None:
    async with chains(database, 10) as instances:
        await asyncio.gather(*(chain.load() for chain in instances))
        assert len({tuple(await kids(chain)) for chain in instances}) == 1
    async with database.connected() as connection:
        assert await connection.fetchval("SELECT count(*) FROM identity.signing_keys") == 1


async def test_ten_instances_make_one_next_key_when_it_is_due(database: TestDatabase) -> None:
    async with chains(database, 10) as instances, database.connected() as connection:
        await instances[0].load()
        (first,) = await kids(instances[0])
        await connection.execute(
            "UPDATE identity.signing_keys SET active_at = now() - interval '30 days'"
        )
        await asyncio.gather(*(chain.load() for chain in instances))
        for chain in instances:
            assert len(await kids(chain)) == 2
            assert kid_of(chain.token({}, *2 * (await _now(connection),), "JWT")) == first
        await connection.execute(
            "UPDATE identity.signing_keys SET active_at = now() WHERE active_at > now()"
        )
        await instances[0].load()
        assert kid_of(instances[0].token({}, *2 * (await _now(connection),), "JWT")) != first


async def test_a_key_that_nobody_needs_is_deleted(database: TestDatabase) -> None:
    async with chains(database, 2) as instances, database.connected() as connection:
        await instances[0].load()
        (first,) = await kids(instances[0])
        await connection.execute(
            "UPDATE identity.signing_keys"
            " SET active_at = now() - interval '70 days', used_at = now() - interval '31 days'"
        )
        await instances[0].load()  # the next one is published
        assert first in await kids(instances[0])
        await connection.execute(
            "UPDATE identity.signing_keys SET active_at = now() WHERE active_at > now()"
        )
        await connection.execute(
            "UPDATE identity.signing_keys SET used_at = now() - interval '31 days' WHERE kid = $1",
            first,
        )
        await asyncio.gather(*(chain.load() for chain in instances))
        assert first not in await kids(instances[1])
        assert len(await kids(instances[1])) == 1


async def _now(connection: Any) -> Any:
    return await connection.fetchval("SELECT now()")


async def test_rotation_by_command_disturbs_nobody(hasty: Installation) -> None:
    second = hasty.beside()
    async with started(hasty), running(second.service("identity")):
        await ready(second, "identity")
        async with Client(hasty) as client, listening(hasty) as ear:
            answer = await client.become_member()
            before = answer.headers["Authorization"]
            (first,) = await published(hasty)
            assert kid_of(before) == first

            said = await command_of(hasty, "rotate-keys")
            assert said.splitlines()[-1] in (await command_of(hasty, "rotate-keys")), "one is next"
            both = await until(lambda: _two(hasty))
            assert await until(lambda: _two(second)) == both
            next_one = both[0]
            assert kid_of(await fresh_bearer(hasty)) == first, "published first, then active"

            after = await signs(hasty, next_one)
            elsewhere = await _bearer_of_instance(second)

            async def takes_over() -> bool:
                return await published(second) == both

            assert await until(takes_over)
            for bearer in (before, after, elsewhere):
                assert await status_of(hasty, bearer) == 200
            assert (await client.get("resource/users/me")).status == 200, "sessions go on"
            await client.post("resource/labels", {"key": "color", "value": "blue"})
            heard = await ear.of(client.email, 6)  # each was verified
            assert heard[-1].name == "model.label.created"


async def _bearer_of_instance(system: Installation) -> str:
    url = f"{system.public_url('identity')}/api/v2/identity/users"
    form = {"email": "second@example.com", "password": PASSWORD}
    async with aiohttp.ClientSession() as http, http.post(url, data=form) as response:
        return response.headers["Authorization"]


async def _two(system: Installation) -> list[str]:
    kids = await published(system)
    return kids if len(kids) == 2 else []


async def test_a_revoked_key_is_gone_at_once(hasty: Installation) -> None:
    async with started(hasty):
        before = await fresh_bearer(hasty)
        stolen = kid_of(before)
        assert await status_of(hasty, before) == 200
        await command_of(hasty, "revoke-key", stolen)
        assert await until(lambda: _without(hasty, stolen), HEARD_SECONDS)

        async def replaced() -> str:
            bearer = await fresh_bearer(hasty)
            return bearer if kid_of(bearer) != stolen else ""

        after = await until(replaced)

        async def accepted() -> bool:
            """The verifier asks for an unknown key two seconds after it asked last."""
            return await status_of(hasty, after) == 200

        await until(accepted)
        assert await status_of(hasty, before) == 401
        (only,) = await published(hasty)
        assert only == kid_of(after)


async def _without(system: Installation, kid: str) -> bool:
    return kid not in await published(system)


async def test_when_the_signing_key_is_revoked_the_next_one_takes_over(hasty: Installation) -> None:
    patient = configured(hasty, BARONG_SIGNING_KEY_PUBLISH_SECONDS="600")
    async with started(patient):
        first = kid_of(await fresh_bearer(patient))
        await command_of(patient, "rotate-keys")
        next_one = (await until(lambda: _two(patient)))[0]
        await command_of(patient, "revoke-key", first)
        await signs(patient, next_one)


async def test_an_unknown_key_is_not_revoked(system: Installation) -> None:
    code, output = await outcome(
        "identity_svc", "revoke-key", system.environments["identity"], "0123"
    )
    assert (code, output.strip()) == (1, "identity-svc: there is no signing key 0123")


async def test_the_age_of_the_signing_key_is_measured(system: Installation) -> None:
    url = f"{system.internal_url('identity')}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        lines = (await response.text()).splitlines()
    (line,) = [line for line in lines if line.startswith("signing_key_age_seconds")]
    assert 0 <= float(line.split()[1]) < 3600


async def test_the_operators_key_takes_over_and_hands_back(
    hasty: Installation, operator_key: Path, tmp_path: Path
) -> None:
    with_own = configured(hasty, JWT_PRIVATE_KEY_PATH=str(operator_key))
    own = load_settings(IdentitySettings, with_own.environments["identity"]).operator_key
    assert own is not None
    async with started(hasty, "identity", "resource", "mailer", "admin", "gateway"):
        generated = await fresh_bearer(hasty)
    async with started(with_own):
        assert set(await published(with_own)) == {own.kid, kid_of(generated)}
        assert kid_of(await fresh_bearer(with_own)) == kid_of(generated), "it is published first"
        signed = await signs(with_own, own.kid)
        await _barong_subscriber_verifies(with_own, own.key.public_key())
        for bearer in (generated, signed):
            assert await status_of(with_own, bearer) == 200
        code, output = await outcome(
            "identity_svc", "revoke-key", with_own.environments["identity"], own.kid
        )
        assert code == 1
        assert "JWT_PRIVATE_KEY_PATH" in output

        other = configured(with_own, JWT_PRIVATE_KEY_PATH=str(a_key_file(tmp_path / "other.pem")))
        assert "is published" in await command_of(other, "rotate-keys")
        assert len(await until(lambda: _three(with_own))) == 3
    async with started(hasty):
        for bearer in (generated, signed):
            assert await status_of(hasty, bearer) == 200
        again = await fresh_bearer(hasty)
        assert kid_of(again) == kid_of(generated)
        assert await status_of(hasty, again) == 200


async def _barong_subscriber_verifies(system: Installation, key: RSAPublicKey) -> None:
    """A subscriber of Barong 2.4, which was given one public key, opens an event on the wire."""
    async with connected(system.environments["identity"]["AMQP_URL"], "test") as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(f"{EVENTS}.model", "user.created")
        await fresh_bearer(system)
        async with queue.iterator(no_ack=True, timeout=30) as messages:
            message = await anext(messages)
    claims = verified(message.body, key)
    assert claims["event"]["name"] == "model.user.created"
    assert "exp" not in claims


async def _three(system: Installation) -> list[str]:
    kids = await published(system)
    return kids if len(kids) == 3 else []


def a_ring(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


async def test_reencrypt_brings_every_secret_under_the_first_key(
    system_of_my_own: Installation, database: TestDatabase
) -> None:
    old, new = KEY, a_ring("new")
    both = {**system_of_my_own.environments["identity"], "BARONG_MASTER_KEYS": f"{new},{old}"}
    async with started(system_of_my_own):
        bearer = await fresh_bearer(system_of_my_own)
        uid = jwt.decode(bearer.split()[1], options={"verify_signature": False})["uid"]
    async with database.connected() as connection:
        await _seal_some(connection, uid, KeyRing.parse(old))
    said = await command("identity_svc", "reencrypt", both)
    assert _counts(said) == {"signing_keys": 1, "second_factors": 1, "outbox": 600}
    assert _counts(await command("identity_svc", "reencrypt", both)) == {
        "signing_keys": 0,
        "second_factors": 0,
        "outbox": 0,
    }
    ring = KeyRing.parse(new)
    async with database.connected() as connection:
        for event_id, sealed in await connection.fetch(
            "SELECT event_id, sealed FROM identity.outbox WHERE sealed IS NOT NULL"
        ):
            assert ring.decrypt(sealed, f"outbox:{event_id}") == b'{"token": "x"}'
        secret = await connection.fetchval("SELECT secret FROM identity.second_factors")
        assert ring.decrypt(secret, f"second_factors.secret:{uid}") == b"BASE32"
        await connection.execute("DELETE FROM identity.outbox WHERE sealed IS NOT NULL")
    new_only = configured(system_of_my_own, BARONG_MASTER_KEYS=new)
    async with started(new_only):
        assert await status_of(new_only, bearer) == 200
        assert kid_of(await fresh_bearer(new_only)) == kid_of(bearer)


async def _seal_some(connection: "asyncpg.Connection[Any]", uid: str, ring: KeyRing) -> None:
    await connection.execute(
        "INSERT INTO identity.second_factors (uid, secret) VALUES ($1, $2)",
        uid,
        ring.encrypt(b"BASE32", f"second_factors.secret:{uid}"),
    )
    ids = await connection.fetch(
        "INSERT INTO identity.outbox (event_id, name, record)"
        " SELECT gen_random_uuid(), 'x', '{}' FROM generate_series(1, 600) RETURNING event_id"
    )
    await connection.executemany(
        "UPDATE identity.outbox SET sealed = $2 WHERE event_id = $1",
        [
            (row["event_id"], ring.encrypt(b'{"token": "x"}', f"outbox:{row['event_id']}"))
            for row in ids
        ],
    )


def _counts(said: str) -> Mapping[str, int]:
    lines = (line.partition(": ") for line in said.splitlines() if "sealed under" in line)
    return {table: int(rest.split()[0]) for table, _, rest in lines}


async def test_a_key_that_is_missing_from_the_ring_is_told(database: TestDatabase) -> None:
    async with chains(database, 1) as (chain,):
        await chain.load()
    environment = {
        "DATABASE_URL": database.dsns["identity"],
        "BARONG_SERVICE_KEYS": KEY,
        "BARONG_MASTER_KEYS": a_ring("other"),
    }
    code, output = await outcome("identity_svc", "reencrypt", environment)
    assert code == 1
    fault = "identity-svc: 1 values are sealed under keys that BARONG_MASTER_KEYS lacks"
    assert fault in output.splitlines()
