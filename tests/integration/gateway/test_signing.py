"""Calls that are signed as a whole, and nonces that work once at all gateways together."""

import asyncio
import io
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
import yaml

from resource_svc.nonces.sweep_nonces import SweepNonces
from resource_svc.schema import SCHEMA
from shared.contracts.api_keys import Nonce
from shared.contracts.services import ADMIN, GATEWAY
from shared.database.pool import Database
from shared.errors import Invalid, Unavailable
from tests.api_keys import Key, Owner, a_nonce
from tests.client import Client
from tests.internal import resource_of, tables_of_resource
from tests.replicas import gateways
from tests.system import ROOT, Installation

ME = "resource/users/me"
LABELS = "resource/labels"
LIFETIME = 5000

Replica = Callable[[dict[str, str]], Awaitable[tuple[int, Any]]]


def documented(name: str) -> str:
    """What docs/signing.md shows under this name."""
    text = (ROOT / "docs" / "signing.md").read_text()
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    return found[1]


def documented_function() -> Callable[..., Mapping[str, str]]:
    """The one that the documentation gives."""
    names: dict[str, Any] = {}
    exec(documented("example"), names)
    function: Callable[..., Mapping[str, str]] = names["signed_headers"]
    return function


def test_the_documented_example_gives_the_documented_values() -> None:
    values = yaml.safe_load(documented("values"))
    expected = {name: values.pop(name) for name in ("Content-Digest", "X-Auth-Signature")}
    headers = documented_function()(**{**values, "body": values["body"].encode()})
    assert {name: headers[name] for name in expected} == expected


async def test_a_call_signed_as_documented_passes(program: Client, owner: Owner, key: Key) -> None:
    signed_headers = documented_function()
    body = json.dumps({"key": "colour", "value": "blue"}).encode()
    path, query = f"/api/v2/barong/{LABELS}", "from=program&n=%201"
    headers = signed_headers(key.kid, key.secret, a_nonce(), "POST", path, query, body)
    url = f"{program.system.gateway_url}{path}?{query}"
    json_too = {**headers, "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=json_too) as got:
        assert got.status == 201
    alias = signed_headers(key.kid, key.secret, a_nonce(), "GET", f"/api/v2/barong/{LABELS}/colour")
    answer = await program.call("GET", "/api/v2/resource/labels/colour/", headers=dict(alias))
    assert (answer.status, answer.body["value"]) == (200, "blue")


async def test_a_body_reaches_the_upstream_whole(program: Client, key: Key) -> None:
    """It is read before anything is forwarded, in more than one piece."""
    body = json.dumps({"key": "long", "value": "x" * 200, "padding": "y" * 200_000}).encode()
    headers = key.signed_as_a_whole("POST", LABELS, body=body)
    headers["Content-Type"] = "application/json"
    url = f"{program.system.gateway_url}/api/v2/barong/{LABELS}"
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as got:
        assert got.status == 201
        assert (await got.json())["value"] == "x" * 200


@pytest.mark.parametrize("change", ["method", "path", "query", "body", "version"])
async def test_a_signature_is_for_one_call_only(program: Client, key: Key, change: str) -> None:
    sent = {"method": "POST", "path": LABELS, "query": "a=1", "body": b"key=a-b&value=c"}
    headers = key.signed_as_a_whole("POST", LABELS, "a=1", b"key=a-b&value=c")
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    match change:
        case "version":
            del headers["X-Auth-Signature-Version"]
        case "method":
            sent["method"] = "PUT"
        case "path":
            sent["path"] = "resource/phones"
        case "query":
            sent["query"] = "a=2"
        case _:
            sent["body"] = b"key=a-b&value=d"
    url = f"{program.system.gateway_url}/api/v2/barong/{sent['path']}?{sent['query']}"
    async with (
        aiohttp.ClientSession() as http,
        http.request(str(sent["method"]), url, data=sent["body"], headers=headers) as got,
    ):
        assert (got.status, await got.json()) == (401, {"errors": ["authz.invalid_signature"]})


async def test_a_strict_key_signs_whole_calls_only(program: Client, owner: Owner) -> None:
    key = await owner.new_key(algorithm="HS256-STRICT")
    refused = await program.get(ME, headers=key.signed())
    assert (refused.status, refused.errors) == (401, ["authz.strict_signature_required"])
    passed = await program.get(ME, headers=key.signed_as_a_whole("GET", ME))
    assert (passed.status, passed.body["uid"]) == (200, owner.uid)
    listed = await owner.browser.get("resource/api_keys")
    assert [each["algorithm"] for each in listed.body] == ["HS256-STRICT"]


async def test_too_large_a_body_is_not_taken_for_a_wrong_one(program: Client, key: Key) -> None:
    body = b"x" * (1024 * 1024 + 1)
    headers = key.signed_as_a_whole("POST", LABELS, body=body)
    url = f"{program.system.gateway_url}/api/v2/barong/{LABELS}"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=io.BytesIO(body), headers=headers) as got,
    ):
        assert (got.status, await got.json()) == (413, {"errors": ["request.too_large"]})


@pytest.fixture(scope="module")
async def replicas(system: Installation) -> AsyncIterator[list[Replica]]:
    """Three gateways of one system."""
    async with gateways(system) as seen, aiohttp.ClientSession() as http:

        def replica(url: str) -> Replica:
            async def get_me(headers: dict[str, str]) -> tuple[int, Any]:
                async with http.get(f"{url}/api/v2/barong/{ME}", headers=headers) as got:
                    return got.status, (await got.json()).get("errors")

            return get_me

        yield [replica(each.gateway_url) for each in seen]


async def test_a_nonce_works_at_one_replica_only(replicas: list[Replica], key: Key) -> None:
    headers = key.signed()
    assert (await replicas[0](headers))[0] == 200
    for replica in replicas:
        assert await replica(headers) == (401, ["authz.nonce_used"])


async def test_of_calls_at_the_same_time_to_all_replicas_one_passes(
    replicas: list[Replica], owner: Owner, key: Key
) -> None:
    keys = [key, await owner.new_key(algorithm="HS256-STRICT")]
    calls = [keys[0].signed() for _ in range(20)]
    calls += [keys[1].signed_as_a_whole("GET", ME) for _ in range(20)]
    asked = [replica(headers) for headers in calls for replica in (*replicas, *replicas)]
    answers = Counter((status, *(errors or ())) for status, errors in await asyncio.gather(*asked))
    assert answers == {(200,): 40, (401, "authz.nonce_used"): 200}


async def test_what_postgresql_lost_is_not_taken_for_unused(
    replicas: list[Replica], owner: Owner, system: Installation, key: Key
) -> None:
    """As after a crash: what is unlogged is empty."""
    headers = key.signed()
    assert (await replicas[0](headers))[0] == 200
    async with tables_of_resource(system) as tables:
        await tables.execute("TRUNCATE used_nonces, used_nonces_since")
        assert await replicas[1](headers) == (503, ["server.unavailable"])
        assert await replicas[2](key.signed()) == (503, ["server.unavailable"])
        back = f"now() - interval '{2 * LIFETIME} milliseconds'"
        await tables.execute(f"UPDATE used_nonces_since SET since = {back}")
    fresh = key.signed()
    assert (await replicas[2](fresh))[0] == 200
    assert await replicas[1](fresh) == (401, ["authz.nonce_used"])


async def test_the_keeper_of_nonces_answers_gateways_only(system: Installation) -> None:
    nonces = [Nonce("kid", 1), Nonce("kid", 2)]
    async with resource_of(system, GATEWAY) as resource:
        assert await resource.use_nonces(nonces, LIFETIME) == [True, True]
        assert await resource.use_nonces([*nonces, Nonce("dik", 2)], LIFETIME) == [
            *(False, False, True)
        ]
        assert await resource.use_nonces([Nonce("twice", 1)] * 2, LIFETIME) == [True, False]
        for bad in ([], [Nonce("", 1)], [Nonce("k", -1)], [Nonce("k\x01", 1)], [("k",)], [1]):
            with pytest.raises(Invalid):
                await resource.use_nonces(bad, LIFETIME)  # type: ignore[arg-type]
        for lifetime in (0, 3_600_001):
            with pytest.raises(Invalid):
                await resource.use_nonces(nonces, lifetime)
    async with resource_of(system, ADMIN) as resource:
        with pytest.raises(Unavailable):
            await resource.use_nonces(nonces, LIFETIME)


async def test_what_nobody_accepts_any_more_is_swept(system: Installation) -> None:
    now = 10**12
    database = Database(system.environments["resource"]["DATABASE_URL"], SCHEMA)
    async with tables_of_resource(system) as tables, database.opened():
        await tables.execute("DELETE FROM used_nonces WHERE kid LIKE 'sweep%'")
        await tables.execute(
            """
            INSERT INTO used_nonces (moment, kid, ends_at)
            SELECT $1::bigint + n, 'sweep' || n % 3, $1 + n + $2
            FROM generate_series(1, 25000) AS n
            """,
            now,
            LIFETIME,
        )
        await SweepNonces(database)(now + LIFETIME + 60_000 + 24_000)
        left = await tables.fetch(
            "DELETE FROM used_nonces WHERE moment BETWEEN $1 AND $1 + 30000 RETURNING moment", now
        )
    assert sorted(row["moment"] - now for row in left) == list(range(24_000, 25_001))
