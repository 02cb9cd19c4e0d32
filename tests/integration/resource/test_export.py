"""GET /resource/users/me/export, through the gateway."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.integration.resource.test_documents import PNG, upload
from tests.support.client import USER_AGENT, Client
from tests.support.gate import Gate
from tests.support.internal import tables_of_admin, tables_of_identity, tables_of_resource
from tests.support.own_service import client_of, member_of
from tests.support.passkeys import SoftAuthenticator, encoded
from tests.support.system import Installation

EXPORT = "resource/users/me/export"
SECTIONS = (
    *("user", "sessions", "passkeys", "linked_accounts", "recovery_codes", "trusted_devices"),
    *("labels", "profiles", "phones", "documents", "data_storages"),
    *("api_keys", "activities"),
)
PROFILE = {"first_name": "Ada", "last_name": "Byron", "dob": "1990-12-10", "country": "GB"}


async def test_everything_that_is_held_is_exported(client: Client, system: Installation) -> None:
    await client.become_member()
    await client.post("resource/labels", {"key": "colour", "value": "blue"})
    await client.post("resource/profiles", PROFILE | {"metadata": '{"a":"b"}'})
    await client.post("resource/phones", {"phone_number": "+4915112345678"})
    await client.post("resource/data_storage", {"title": "personal", "data": '{"k":"v"}'})
    await upload(client, ("passport.png", PNG), metadata='{"country":"UA"}')
    await client.call("PUT", "resource/users/me", {"data": '{"language":"en"}'})
    uid = (await client.get("resource/users/me")).body["uid"]
    await activities_of(system, uid, 3)

    answer = await client.get(EXPORT)
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{uid}.json"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert tuple(answer.body) == SECTIONS
    user = answer.body["user"]
    assert (user["uid"], user["email"], user["data"]) == (uid, client.email, '{"language":"en"}')
    assert user["otp"] is False
    assert USER_AGENT in {session["user_agent"] for session in answer.body["sessions"]}
    labels = {(label["scope"], label["key"]): label["value"] for label in answer.body["labels"]}
    assert labels[("public", "colour")] == "blue"
    assert labels[("private", "email")] == "verified"
    (profile,) = answer.body["profiles"]
    assert {**profile, **PROFILE, "metadata": '{"a":"b"}'} == profile
    assert [phone["number"] for phone in answer.body["phones"]] == ["4915112345678"]
    (document,) = answer.body["documents"]
    assert (document["doc_number"], document["metadata"]) == ("AA-12 34", '{"country":"UA"}')
    url = document["upload"]["url"]
    async with aiohttp.ClientSession(system.gateway_url) as anybody, anybody.get(url) as got:
        assert await got.read() == PNG
    assert [each["data"] for each in answer.body["data_storages"]] == ['{"k":"v"}']
    assert answer.body["api_keys"] == []
    assert {"account", "bulk"} <= {each["topic"] for each in answer.body["activities"]}
    assert {each["uid"] for each in answer.body["activities"]} == {uid}


async def test_api_keys_are_exported_without_their_secrets(
    client: Client, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    async with tables_of_resource(system) as tables:
        await tables.execute(
            """
            INSERT INTO api_keys (kid, uid, algorithm, scope, state, secret)
            VALUES ('k' || $1, $1, 'HS256', '{trade}', 'inactive', 'sealed-secret')
            """,
            uid,
        )
        (key,) = (await client.get(EXPORT)).body["api_keys"]
        await tables.execute("DELETE FROM api_keys WHERE uid = $1", uid)  # nobody can unseal it
    assert (key["kid"], key["scope"], key["state"]) == (f"k{uid}", ["trade"], "inactive")
    assert set(key) == {"kid", "algorithm", "scope", "state", "created_at", "updated_at"}


async def test_credentials_are_exported_as_their_user_sees_them(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    assert (await client.log_in()).status == 201
    key = SoftAuthenticator()
    asked = (await client.post("resource/passkeys/options")).body["publicKey"]
    made = {"credential": key.create(asked), "name": "Laptop"}
    assert (await client.post("resource/passkeys", json=made)).status == 201
    codes = (await client.post("resource/otp/recovery_codes")).body["codes"]
    uid = (await client.get("resource/users/me")).body["uid"]
    async with tables_of_identity(system) as tables:
        await tables.execute(
            """
            INSERT INTO trusted_devices (id, uid, digest, user_agent, address, expires_at)
            VALUES (
                gen_random_uuid(), $1, sha256(convert_to($1, 'UTF8')), 'curl/8', '::1',
                now() + interval '1 hour'
            )
            """,
            uid,
        )
        await tables.execute(
            """
            INSERT INTO linked_accounts (id, uid, issuer, subject)
            VALUES (gen_random_uuid(), $1, 'https://id.example.com', $1)
            """,
            uid,
        )
    answer = await client.get(EXPORT)
    for section, path in (
        ("passkeys", "resource/passkeys"),
        ("linked_accounts", "resource/linked_accounts"),
        ("recovery_codes", "resource/otp/recovery_codes"),
        ("trusted_devices", "resource/trusted_devices"),
    ):
        assert answer.body[section] == (await client.get(path)).body
    assert [each["name"] for each in answer.body["passkeys"]] == ["Laptop"]
    assert [each["subject"] for each in answer.body["linked_accounts"]] == [uid]
    assert answer.body["recovery_codes"]["remaining"] == 10
    assert [each["user_agent"] for each in answer.body["trusted_devices"]] == ["curl/8"]
    text = json.dumps(answer.body)
    assert not any(code in text for code in codes)
    for secret in (encoded(key.id), "public_key", "sign_count", "digest"):
        assert secret not in text


async def test_an_export_has_nothing_of_others_and_no_digests(
    client: Client, system: Installation
) -> None:
    async with Client(system) as other:
        await other.become_member()
        await other.post("resource/labels", {"key": "colour", "value": "somebody-elses"})
        await client.become_member()
        text = json.dumps((await client.get(EXPORT)).body)
        assert "somebody-elses" not in text
        assert other.email not in text
    for word in ("digest", "secret", "csrf", "argon2"):
        assert word not in text


async def test_nobody_gets_one(client: Client) -> None:
    answer = await client.get(EXPORT)
    assert (answer.status, answer.errors) == (401, ["authz.invalid_session"])


async def test_head_says_what_get_would(client: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    answer = await client.call("HEAD", EXPORT)
    assert (answer.status, answer.body) == (200, "")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{uid}.json"'


@pytest.mark.parametrize("away", ["IDENTITY", "ADMIN"])
async def test_while_a_service_is_away_there_is_none(system: Installation, away: str) -> None:
    async with Gate.before(system.internal_url(away.lower())) as gate:
        await gate.open()
        async with member_of(system, **{f"BARONG_{away}_INTERNAL_URL": gate.url}) as client:
            assert (await client.get(EXPORT)).status == 200
            await gate.shut()
            answer = await client.get(EXPORT)
            assert (answer.status, answer.errors) == (503, ["server.unavailable"])
            assert answer.headers["Retry-After"] == "1"


async def test_one_that_breaks_off_does_not_look_whole(system: Installation) -> None:
    async with Gate.before(system.internal_url("admin")) as gate:
        await gate.open()
        async with client_of(system, "resource", BARONG_ADMIN_INTERNAL_URL=gate.url) as client:
            uid = (await client.become_member()).body["uid"]
            await activities_of(system, uid, 20_000)
            async with exporting(client) as response:
                await response.content.readexactly(100_000)
                await gate.shut()
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.content.read()
            await gate.open()
            async with exporting(client) as response:
                body = await response.json()
    assert len([each for each in body["activities"] if each["topic"] == "bulk"]) == 20_000
    assert len({each["id"] for each in body["activities"]}) == len(body["activities"])


@asynccontextmanager
async def exporting(client: Client) -> AsyncIterator[aiohttp.ClientResponse]:
    """An export whose body is read by the block."""
    headers = {"Cookie": f"_barong_session={client.cookie}", "User-Agent": USER_AGENT}
    async with (
        aiohttp.ClientSession(client.system.gateway_url, headers=headers) as http,
        http.get(f"/api/v2/barong/{EXPORT}") as response,
    ):
        assert response.status == 200
        yield response


async def activities_of(system: Installation, uid: str, count: int) -> None:
    """So many activities of the user, each with two kilobytes of data."""
    async with tables_of_admin(system) as tables:
        await tables.execute(
            """
            INSERT INTO activities (
                id, created_at, category, uid, topic, action, result, user_ip, user_agent, data
            )
            SELECT
                gen_random_uuid(), now(), 'user', $1, 'bulk', 'read', 'succeed', '::1', 'x',
                repeat('x', 2000)
            FROM generate_series(1, $2)
            """,
            uid,
            count,
        )
