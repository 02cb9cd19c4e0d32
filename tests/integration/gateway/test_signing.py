"""HTTP message signatures, and nonces that work once across all gateways."""

import asyncio
import io
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from yarl import URL

from resource_svc.api_keys.public_key import in_base64url
from resource_svc.nonces.use_cases import Nonces
from resource_svc.schema import SCHEMA
from shared.contracts.api_keys import Nonce
from shared.contracts.services import ADMIN, GATEWAY
from shared.database.pool import Database
from shared.errors import Invalid, Unavailable
from tests.support.api_keys import Key, Owner, an_owner
from tests.support.client import Client
from tests.support.internal import resource_of, tables_of_resource
from tests.support.replicas import gateways
from tests.support.system import ROOT, Installation
from tests.unit.gateway.builders import Sign

ME = "resource/users/me"
LABELS = "resource/labels"
LIFETIME = 5000

Replica = Callable[[dict[str, str]], Awaitable[tuple[int, Any]]]


def documented(name: str) -> str:
    """What docs/consumers/signing.md shows under this name."""
    text = (ROOT / "docs" / "consumers" / "signing.md").read_text()
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    return found[1]


def documented_names() -> dict[str, Any]:
    """The names that the documented example defines."""
    names: dict[str, Any] = {}
    exec(documented("example"), names)
    return names


def test_the_documented_example_gives_the_documented_values() -> None:
    values = yaml.safe_load(documented("values"))
    names = documented_names()
    private_key = load_pem_private_key(values["ed25519"]["private_key"].encode(), None)
    assert isinstance(private_key, Ed25519PrivateKey)
    assert values["ed25519"]["public_key"] == in_base64url(
        private_key.public_key().public_bytes_raw()
    )
    call = {name: values[name] for name in ("kid", "created", "nonce", "method", "path", "query")}
    call["body"] = values["body"].encode()
    bases: list[bytes] = []
    for name, sign in (
        ("hmac-sha256", names["by_secret"](values["hmac-sha256"]["secret"])),
        ("ed25519", private_key.sign),
    ):

        def noting(base: bytes, sign: Sign = sign) -> bytes:
            bases.append(base)
            return sign(base)

        headers = names["signed_headers"](sign=noting, **call)
        assert headers == {**values["headers"], "Signature": values[name]["Signature"]}
    assert {base.decode() for base in bases} == {values["signature_base"]}


async def send(
    program: Client, method: str, target: str, headers: Mapping[str, str], body: Any = None
) -> tuple[int, Any]:
    """Status and body of the answer to a call; the target is sent unchanged."""
    url = URL(f"{program.system.gateway_url}{target}", encoded=True)
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=body, headers=headers) as got,
    ):
        return got.status, await got.json() if got.status != 204 else None


@pytest.fixture(scope="module")
async def owner(system: Installation) -> AsyncIterator[Owner]:
    """One for all tests here; each key has nonces of its own."""
    async with Client(system) as browser:
        yield await an_owner(browser)


@pytest.fixture(scope="module", params=["HS256", "hmac-sha256", "ed25519"])
async def signing_key(request: pytest.FixtureRequest, owner: Owner) -> Key:
    """One key of each kind that can sign messages."""
    if request.param == "ed25519":
        return await owner.new_ed25519_key()
    return await owner.new_key(algorithm=request.param)


JSON = {"Content-Type": "application/json"}
BLUE = json.dumps({"key": "colour", "value": "blue"}).encode()


async def test_a_call_signed_as_documented_is_allowed(program: Client, signing_key: Key) -> None:
    signed_headers = documented_names()["signed_headers"]

    def headers(method: str, path: str, query: str = "", body: bytes | None = None) -> Any:
        now, nonce = int(time.time()), secrets.token_urlsafe()
        return signed_headers(
            signing_key.kid, signing_key.sign, now, nonce, method, path, query, body
        )

    path, query = f"/api/v2/barong/{LABELS}", "from=program&n=%201"
    made = headers("POST", path, query, BLUE)
    status, _ = await send(program, "POST", f"{path}?{query}", {**made, **JSON}, BLUE)
    assert status == 201
    for path in (f"/{LABELS}/colour", f"/api/v2/{LABELS}/colour", f"/{LABELS}/colour/"):
        status, label = await send(program, "GET", path, headers("GET", path))
        assert (status, label["value"]) == (200, "blue")
    refused = await send(program, "GET", path[:-1], headers("GET", path))
    assert refused == (401, {"errors": ["authz.invalid_signature"]}), "it is signed as sent"
    status, _ = await send(program, "DELETE", path, headers("DELETE", path))
    assert status == 204


async def test_a_signed_body_is_forwarded_completely(program: Client, signing_key: Key) -> None:
    """It is read before anything is forwarded, in more than one part."""
    body = json.dumps(
        {"key": f"long-{secrets.token_hex(4)}", "value": "x" * 200, "padding": "y" * 200_000}
    ).encode()
    headers = signing_key.message_signed("POST", f"/{LABELS}", body)
    status, label = await send(program, "POST", f"/{LABELS}", headers | JSON, body)
    assert (status, label["value"]) == (201, "x" * 200)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"method": "PUT"}, (401, "authz.invalid_signature")),
        ({"target": "/resource/phones?a=1"}, (401, "authz.invalid_signature")),
        ({"target": f"/{LABELS}?a=2"}, (401, "authz.invalid_signature")),
        ({"target": f"/api/v2/barong/{LABELS}?a=1"}, (401, "authz.invalid_signature")),
        ({"body": b"key=a-b&value=d"}, (401, "authz.content_digest_mismatch")),
    ],
)
async def test_a_signature_is_for_one_call_only(
    program: Client, signing_key: Key, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    signed: dict[str, Any] = {
        "method": "POST",
        "target": f"/{LABELS}?a=1",
        "body": b"key=a-b&value=c",
    }
    headers = signing_key.message_signed(**signed)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    status, code = expected
    answer = await send(program, headers=headers, **{**signed, **change})
    assert answer == (status, {"errors": [code]})


async def test_a_call_cannot_be_repeated(program: Client, signing_key: Key) -> None:
    headers = signing_key.message_signed("GET", f"/{ME}", nonce="once")
    assert (await send(program, "GET", f"/{ME}", headers))[0] == 200
    earlier = int(time.time()) - 1
    another = signing_key.message_signed("GET", f"/{LABELS}", nonce="once", created=earlier)
    for target, again in ((f"/{ME}", headers), (f"/{LABELS}", another)):
        answer = await send(program, "GET", target, again)
        assert answer == (401, {"errors": ["authz.nonce_used"]})


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
async def test_a_key_for_messages_accepts_no_other_signatures(
    program: Client, client: Client, algorithm: str
) -> None:
    owner = await an_owner(client)
    made = owner.new_ed25519_key() if algorithm == "ed25519" else owner.new_key(algorithm=algorithm)
    key = await made
    refused = await program.get(ME, headers=key.signed())
    assert (refused.status, refused.errors) == (401, ["authz.message_signature_required"])
    passed = await program.get(ME, headers=key.message_signed("GET", f"/api/v2/barong/{ME}"))
    assert (passed.status, passed.body["uid"]) == (200, owner.uid)
    listed = await owner.browser.get("resource/api_keys")
    assert [each["algorithm"] for each in listed.body] == [algorithm]


async def test_a_strict_key_of_an_earlier_release_is_one_for_messages(
    program: Client, key: Key, system: Installation
) -> None:
    """A replica of the older release may still make one after the others were upgraded."""
    async with tables_of_resource(system) as tables:
        await tables.execute(
            "UPDATE api_keys SET algorithm = 'HS256-STRICT' WHERE kid = $1", key.kid
        )
    refused = await send(program, "GET", f"/{ME}", key.signed())
    assert refused == (401, {"errors": ["authz.message_signature_required"]})
    passed = await send(program, "GET", f"/{ME}", key.message_signed("GET", f"/{ME}"))
    assert passed[0] == 200


async def test_a_message_signature_wins_over_a_cookie(owner: Owner, signing_key: Key) -> None:
    headers = signing_key.message_signed("GET", f"/api/v2/barong/{ME}")
    assert (await owner.browser.get(ME, headers=headers)).status == 200
    for half in headers:
        answer = await owner.browser.get(ME, headers={half: headers[half]})
        assert (answer.status, answer.errors) == (422, ["authz.invalid_signature_input"])
    both = {**signing_key.message_signed("GET", f"/api/v2/barong/{ME}"), **signing_key.signed()}
    answer = await owner.browser.get(ME, headers=both)
    assert (answer.status, answer.errors) == (422, ["authz.invalid_api_key_headers"])


async def test_a_body_that_is_too_large_gets_its_own_error(
    program: Client, signing_key: Key
) -> None:
    body = b"x" * (1024 * 1024 + 1)
    headers = signing_key.message_signed("POST", f"/{LABELS}", body)
    answer = await send(program, "POST", f"/{LABELS}", headers, io.BytesIO(body))
    assert answer == (413, {"errors": ["request.too_large"]})


async def test_in_forward_auth_the_digest_is_required(program: Client, signing_key: Key) -> None:
    """With or without a visible body: nginx withholds it."""
    for method, target, body, expected in (
        ("GET", f"/{ME}?a=1", None, 200),
        ("POST", f"/{LABELS}", b"{}", 200),
        ("POST", f"/{LABELS}", None, "authz.missing_component"),
        ("PATCH", f"/{LABELS}", None, "authz.missing_component"),
        ("DELETE", f"/{LABELS}", None, "authz.missing_component"),
        ("DELETE", f"/{LABELS}", b"", 200),
    ):
        headers = signing_key.message_signed(method, target, body)
        url = f"{program.system.gateway_url}/api/v2/auth{target}"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, data=body, headers=headers) as got,
        ):
            seen = got.status if got.status == 200 else (await got.json())["errors"][0]
            assert seen == expected, (method, body)
            assert ("Authorization" in got.headers) == (seen == 200)


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


async def test_one_of_concurrent_calls_to_all_replicas_is_allowed(
    replicas: list[Replica], owner: Owner, key: Key
) -> None:
    keys = [await owner.new_key(algorithm="hmac-sha256"), await owner.new_ed25519_key()]
    calls = [key.signed() for _ in range(20)]
    target = f"/api/v2/barong/{ME}"
    calls += [each.message_signed("GET", target) for each in keys for _ in range(10)]
    asked = [replica(headers) for headers in calls for replica in (*replicas, *replicas)]
    answers = Counter((status, *(errors or ())) for status, errors in await asyncio.gather(*asked))
    assert answers == {(200,): 40, (401, "authz.nonce_used"): 200}


async def test_nonces_that_postgresql_lost_are_refused(
    replicas: list[Replica], owner: Owner, system: Installation, key: Key
) -> None:
    """As after a crash: unlogged tables are empty."""
    headers = key.signed()
    assert (await replicas[0](headers))[0] == 200
    async with tables_of_resource(system) as tables:
        await tables.execute("TRUNCATE used_nonces, used_message_nonces, used_nonces_since")
        assert await replicas[1](headers) == (503, ["server.unavailable"])
        assert await replicas[2](key.signed()) == (503, ["server.unavailable"])
        back = f"now() - interval '{2 * LIFETIME} milliseconds'"
        await tables.execute(
            f"UPDATE used_nonces_since SET since = {back} + interval '0.9 seconds'"
        )
        assert await replicas[2](key.signed()) == (503, ["server.unavailable"])
        await tables.execute(f"UPDATE used_nonces_since SET since = {back} - interval '1 second'")
    fresh = key.signed()
    assert (await replicas[2](fresh))[0] == 200
    assert await replicas[1](fresh) == (401, ["authz.nonce_used"])


async def test_only_gateways_may_use_nonces(system: Installation) -> None:
    nonces = [Nonce("kid", 1), Nonce("kid", 2)]
    async with resource_of(system, GATEWAY) as resource:
        assert await resource.use_nonces(nonces, LIFETIME) == [True, True]
        assert await resource.use_nonces([*nonces, Nonce("dik", 2)], LIFETIME) == [
            *(False, False, True)
        ]
        assert await resource.use_nonces([Nonce("twice", 1)] * 2, LIFETIME) == [True, False]
        texts = [Nonce("kid", 1, "1"), Nonce("kid", 1, "2"), Nonce("dik", 1, "1")]
        assert await resource.use_nonces(texts, LIFETIME) == [True] * 3
        later = [Nonce("kid", 9, "1"), Nonce("kid", 9, "3"), Nonce("kid", 8, "3"), Nonce("kid", 9)]
        assert await resource.use_nonces(later, LIFETIME) == [False, True, False, True]
        for bad in (
            *(
                [],
                [Nonce("", 1)],
                [Nonce("k", -1)],
                [Nonce("k\x01", 1)],
                [Nonce("k", 1, "n" * 129)],
            ),
            *(
                [Nonce("k", 1, "é")],
                [Nonce("k", 1, "\x01")],
                [Nonce("k", 0, "n")],
                [Nonce("", 1, "n")],
            ),
        ):
            with pytest.raises(Invalid):
                await resource.use_nonces(bad, LIFETIME)
        for odd in ([["k"]], [1], [["k", 1, ""]], [["k", 1, 2]], [["k", 1, "n", "n"]], None):
            with pytest.raises(Invalid):
                await resource.call("POST", "/nonces/use", {"nonces": odd, "lifetime": LIFETIME})
        for lifetime in (0, 3_600_001):
            with pytest.raises(Invalid):
                await resource.use_nonces(nonces, lifetime)
    async with resource_of(system, ADMIN) as resource:
        with pytest.raises(Unavailable):
            await resource.use_nonces(nonces, LIFETIME)


async def test_expired_nonces_are_deleted(system: Installation) -> None:
    # Far in the future, where the service's own sweep finds nothing to delete.
    now = 10**14
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
        await tables.execute(
            """
            INSERT INTO used_message_nonces (kid, nonce, ends_at)
            SELECT 'sweep', n::text, $1::bigint + n + $2
            FROM generate_series(1, 25000) AS n
            """,
            now,
            LIFETIME,
        )
        await Nonces(database).sweep(now + LIFETIME + 60_000 + 24_000)
        left = await tables.fetch(
            "DELETE FROM used_nonces WHERE moment BETWEEN $1 AND $1 + 30000 RETURNING moment", now
        )
        texts_left = await tables.fetch(
            "DELETE FROM used_message_nonces WHERE kid = 'sweep' RETURNING nonce"
        )
    assert sorted(row["moment"] - now for row in left) == list(range(24_000, 25_001))
    assert sorted(int(row["nonce"]) for row in texts_left) == list(range(24_000, 25_001))
