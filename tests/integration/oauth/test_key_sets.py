"""Clients whose public keys are behind an address (`jwks_uri`), and the hosts of such addresses."""

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.support.client import Client
from tests.support.document_host import DocumentHost, document_host
from tests.support.own_service import installation_with
from tests.support.registrant import Registrant
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import Installation

CLIENTS = "admin/oauth_clients"
_JWS = jwt.PyJWS()
_JWS.register_algorithm("Ed25519", OKPAlgorithm())
_MACHINE: dict[str, Any] = {
    "authentication": "private_key_jwt",
    "grant_types": ["client_credentials"],
    "redirect_uris": [],
    "scopes": ["orders"],
}


@dataclass(frozen=True, slots=True)
class Key:
    """A private key of a client."""

    private: Any
    algorithm: str
    kid: str

    @classmethod
    def make(cls, algorithm: str = "ES256", kid: str = "one") -> "Key":
        made: Any
        if algorithm == "ES256":
            made = ec.generate_private_key(ec.SECP256R1())
        elif algorithm == "RS256":
            made = rsa.generate_private_key(65537, 2048)
        else:
            made = ed25519.Ed25519PrivateKey.generate()
        return cls(made, algorithm, kid)

    def jwk(self, *, private: bool = False) -> dict[str, Any]:
        kind: Any = {"ES256": ECAlgorithm, "RS256": RSAAlgorithm}.get(self.algorithm, OKPAlgorithm)
        shown = json.loads(kind.to_jwk(self.private if private else self.private.public_key()))
        shown.pop("key_ops", None)
        return {**shown, "kid": self.kid, "use": "sig"}

    def assertion(self, client_id: str, audience: str) -> str:
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + 60,
        }
        header = {"kid": self.kid, "typ": "JWT"}
        return _JWS.encode(json.dumps(claims).encode(), self.private, self.algorithm, header)


def key_set(*keys: Key) -> Callable[[], web.StreamResponse]:
    return lambda: web.json_response({"keys": [key.jwk() for key in keys]})


async def authenticate(
    system: Installation, client_id: str, key: Key, **form: str
) -> tuple[int, str | None]:
    """Status and error of a call to the token endpoint with an assertion of this key."""
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(client_id, system.gateway_url),
        **form,
    }
    async with (
        aiohttp.ClientSession(system.gateway_url) as server,
        server.post("/oauth/token", data=given) as got,
    ):
        body = await got.json()
        return got.status, body.get("error")


@pytest.fixture(scope="module")
async def host() -> AsyncIterator[DocumentHost]:
    async with document_host() as made:
        yield made


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "Ed25519", "EdDSA"])
async def test_a_machine_authenticates_with_a_key_that_it_has_published(
    host: DocumentHost, registrar: Client, system: Installation, algorithm: str
) -> None:
    name, key = f"machine-{algorithm}", Key.make(algorithm)
    host.answers[name] = key_set(key)
    async with await RelyingParty.register(
        registrar, jwks_uri=host.url_of(name), **_MACHINE
    ) as machine:
        answers = [await authenticate(system, machine.client_id, key) for _ in range(2)]
        forged = await authenticate(system, machine.client_id, Key.make(algorithm))

    assert answers == [(200, None), (200, None)]
    assert forged == (401, "invalid_client")
    assert host.calls.count(name) == 1  # the set is cached


async def test_rfc_9864_the_metadata_name_both_names_of_ed25519(system: Installation) -> None:
    async with (
        aiohttp.ClientSession(system.gateway_url) as http,
        http.get("/.well-known/openid-configuration") as got,
    ):
        shown = await got.json()

    assert {"Ed25519", "EdDSA"} <= set(shown["token_endpoint_auth_signing_alg_values_supported"])


async def test_administrators_see_and_change_the_address(
    host: DocumentHost, registrar: Client, system: Installation
) -> None:
    key, registered = Key.make(), Key.make(kid="two")
    host.answers["changing"] = key_set(key)
    made = await registrar.call(
        "POST",
        CLIENTS,
        json={"name": "x", **_MACHINE, "jwks": {"keys": [registered.jwk()]}},
    )
    client_id = made.body["client_id"]
    path = f"{CLIENTS}/{client_id}"

    moved = await registrar.call("PUT", path, json={"jwks_uri": host.url_of("changing")})
    by_address = await authenticate(system, client_id, key)
    before = await authenticate(system, client_id, registered)
    back = await registrar.call("PUT", path, json={"jwks": {"keys": [registered.jwk()]}})
    again = await authenticate(system, client_id, registered)
    secret = await registrar.call("PUT", path, json={"authentication": "client_secret_basic"})

    assert (made.status, made.body["jwks_uri"]) == (201, None)
    assert (moved.body["jwks"], moved.body["jwks_uri"]) == (None, host.url_of("changing"))
    assert (by_address, before) == ((200, None), (401, "invalid_client"))
    assert (back.body["jwks_uri"], again) == (None, (200, None))
    assert (secret.body["jwks"], secret.body["jwks_uri"]) == (None, None)


@pytest.mark.parametrize(
    "given",
    [
        {"jwks_uri": "https://10.0.0.1/keys"},
        {"jwks_uri": "https://169.254.169.254/keys"},
        {"jwks_uri": "https://[::ffff:10.0.0.1]/keys"},
        {"jwks_uri": "ftp://app.example.com/keys"},
        {"jwks_uri": "https://user@app.example.com/keys"},
        {"jwks_uri": "https://app.example.com/keys#one"},
        {"jwks_uri": "/keys"},
        {"jwks_uri": "https://app.example.com/keys", "jwks": {"keys": [Key.make().jwk()]}},
        {"jwks_uri": "https://app.example.com/keys", "authentication": "client_secret_basic"},
    ],
)
async def test_what_is_no_address_of_keys_is_refused(
    registrar: Client, given: dict[str, Any]
) -> None:
    refused = await registrar.call("POST", CLIENTS, json={"name": "x", **_MACHINE, **given})

    assert (refused.status, refused.errors) == (422, ["admin.oauth_client.invalid_jwks_uri"])


async def test_a_client_registers_itself_with_an_address(
    host: DocumentHost, system: Installation
) -> None:
    key = Key.make()
    host.answers["registered"] = key_set(key)
    wanted = {
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": host.url_of("registered"),
    }
    async with Registrant(system) as registrant:
        status, made = await registrant.register(wanted)
        both, refused = await registrant.register({**wanted, "jwks": {"keys": [key.jwk()]}})

    answer = await authenticate(
        system, made["client_id"], key, grant_type="authorization_code", code="x"
    )
    assert (status, made["jwks_uri"], "jwks" in made) == (201, wanted["jwks_uri"], False)
    assert answer == (400, "invalid_grant")  # it is the client
    assert (both, refused["error"]) == (400, "invalid_client_metadata")


async def test_a_metadata_document_names_an_address(
    host: DocumentHost, system: Installation
) -> None:
    key = Key.make()
    host.answers["keys-of-document"] = key_set(key)
    url = host.publish(
        "with-address",
        token_endpoint_auth_method="private_key_jwt",
        jwks_uri=host.url_of("keys-of-document"),
    )

    mine = await authenticate(system, url, key, grant_type="authorization_code", code="x")
    other = await authenticate(system, url, Key.make(), grant_type="authorization_code", code="x")

    assert mine == (400, "invalid_grant")
    assert other == (401, "invalid_client")


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: web.Response(status=302, headers={"Location": "/clients/elsewhere"}), 401),
        (lambda: web.Response(status=404), 401),
        (lambda: web.Response(status=500), 503),
        (lambda: web.json_response([]), 401),
        (lambda: web.json_response({"keys": "none"}), 401),
        (lambda: web.json_response({"keys": []}), 401),
        (lambda: web.json_response({"keys": [7]}), 401),
        (lambda: web.json_response({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}), 401),
        (lambda: web.json_response({"keys": [Key.make().jwk(private=True)]}), 401),
        (lambda: web.json_response({"keys": [{**Key.make().jwk(), "use": "enc"}]}), 401),
        (lambda: web.json_response({"keys": [Key.make().jwk()] * 31}), 401),
        (lambda: web.Response(text="[" * 5000, content_type="application/json"), 401),
        (lambda: web.Response(text="x" * 40_000, content_type="application/json"), 401),
        (lambda: web.Response(body=b"\xff", content_type="application/json"), 401),
        (lambda: web.Response(text='{"keys": []}', content_type="text/html"), 401),
    ],
    ids=[
        *("redirect", "gone", "broken", "list", "text", "empty", "number", "symmetric", "private"),
        *("encryption", "many", "deep", "large", "no-text", "html"),
    ],
)
async def test_rfc_9700_2_5_hosts_that_show_no_key_authenticate_nobody(
    host: DocumentHost,
    registrar: Client,
    system: Installation,
    make: Callable[[], web.StreamResponse],
    status: int,
) -> None:
    key, name = Key.make(), str(uuid4())
    host.answers["elsewhere"] = key_set(key)
    host.answers[name] = make
    async with await RelyingParty.register(
        registrar, jwks_uri=host.url_of(name), **_MACHINE
    ) as machine:
        answers = [await authenticate(system, machine.client_id, key) for _ in range(3)]

    assert {got for got, _ in answers} == {status}
    assert host.calls.count(name) == 1  # nobody can have it called again and again
    assert "elsewhere" not in host.calls


async def test_keys_of_other_kinds_are_left_out(
    host: DocumentHost, registrar: Client, system: Installation
) -> None:
    """RFC 7517, 5: a set may have keys that we do not know."""
    key = Key.make()
    others = [
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "eA", "kid": "new"},
        {"kty": "EC", "crv": "P-256", "x": "?", "y": "?", "kid": "broken"},
        {**Key.make("RS256", kid="encryption").jwk(), "use": "enc"},
    ]
    host.answers["mixed"] = lambda: web.json_response({"keys": [*others, key.jwk()]})
    async with await RelyingParty.register(
        registrar, jwks_uri=host.url_of("mixed"), **_MACHINE
    ) as machine:
        assert await authenticate(system, machine.client_id, key) == (200, None)


async def test_addresses_of_our_own_network_are_not_called(
    host: DocumentHost, registrar: Client, system: Installation
) -> None:
    """The name was public when the client was registered, and leads to us now (DNS rebinding)."""
    key = Key.make()
    host.answers["internal"] = key_set(key)
    async with await RelyingParty.register(
        registrar, jwks_uri=host.url_of("internal"), **_MACHINE
    ) as machine:
        others = {"BARONG_OAUTH_ALLOWED_NETWORKS": "192.0.2.0/24"}
        async with installation_with(system, "oauth", **others) as own:
            status, _ = await authenticate(own, machine.client_id, key)

    assert status == 503
    assert "internal" not in host.calls
