"""Tokens that are bound to a key, by the sections of RFC 9449, at the provider's endpoints."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest

from tests.support.client import Client
from tests.support.device import DEVICE_CODE, Person, ask
from tests.support.dpop import Prover, Sent, base64url, prove, redeem, refresh, send
from tests.support.oauth import another_instance
from tests.support.relying_party import VERIFIER, RelyingParty
from tests.support.system import PASSWORD

SCOPES = ["openid", "email", "offline_access", "resource"]
OFFLINE = "openid email offline_access resource"
PAR = "/oauth/par"
TOKEN = "/oauth/token"
NO_ALGORITHM = base64url(b'{"alg":"none","typ":"dpop+jwt"}')
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]


@pytest.fixture
async def public(registrar: Client) -> AsyncIterator[RelyingParty]:
    async with await RelyingParty.register(
        registrar,
        authentication="none",
        first_party=True,
        scopes=SCOPES,
        grant_types=["authorization_code", "refresh_token", DEVICE_CODE],
    ) as made:
        yield made


@pytest.fixture
async def confidential(registrar: Client) -> AsyncIterator[RelyingParty]:
    async with await RelyingParty.register(
        registrar, first_party=True, scopes=SCOPES, grant_types=GRANTS
    ) as made:
        yield made


@pytest.fixture
def prover() -> Prover:
    return Prover()


def thumbprint_of(token: str) -> str | None:
    """The key to which an access token is bound."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    found: str | None = claims.get("cnf", {}).get("jkt")
    return found


async def nonce_of(party: RelyingParty, prover: Prover) -> str:
    """A nonce of the provider."""
    url = f"{party.system.gateway_url}{TOKEN}"
    asked = await send(party, TOKEN, [prover.proof("POST", url)], {"grant_type": "x"})
    assert asked.outcome == (400, "use_dpop_nonce")
    return asked.headers["DPoP-Nonce"]


async def userinfo(party: RelyingParty, scheme: str, token: str, *proofs: str) -> Sent:
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", each) for each in proofs)]
    async with (
        aiohttp.ClientSession(party.system.gateway_url) as http,
        http.get("/oauth/userinfo", headers=headers) as got,
    ):
        return Sent(got.status, await got.json(), dict(got.headers))


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
async def test_5_tokens_for_a_code_are_bound(
    public: RelyingParty, member: Client, algorithm: str
) -> None:
    prover = Prover(algorithm)
    got = await redeem(public, prover, await public.code(member.email, PASSWORD, scope=OFFLINE))

    assert got.status == 200, got.body
    assert got.body["token_type"] == "DPoP"
    assert thumbprint_of(got.body["access_token"]) == prover.thumbprint
    assert "cnf" not in jwt.decode(got.body["id_token"], options={"verify_signature": False})


async def test_5_without_a_proof_tokens_are_bearer_tokens(
    public: RelyingParty, member: Client
) -> None:
    _, tokens = await public.redeem(await public.code(member.email, PASSWORD, scope=OFFLINE))

    assert tokens["token_type"] == "Bearer"
    assert thumbprint_of(tokens["access_token"]) is None


async def test_5_tokens_of_machines_are_bound(confidential: RelyingParty, prover: Prover) -> None:
    got = await prove(confidential, prover, TOKEN, grant_type="client_credentials")

    assert (got.status, got.body["token_type"]) == (200, "DPoP")
    assert thumbprint_of(got.body["access_token"]) == prover.thumbprint


async def test_5_tokens_of_devices_are_bound(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    begun = await ask(public)
    waiting = await prove(
        public, prover, TOKEN, grant_type=DEVICE_CODE, device_code=begun["device_code"]
    )
    assert waiting.outcome == (400, "authorization_pending")
    await Person(public, member.email).allow(begun)

    got = await prove(
        public, prover, TOKEN, grant_type=DEVICE_CODE, device_code=begun["device_code"]
    )

    assert (got.status, got.body["token_type"]) == (200, "DPoP")
    assert thumbprint_of(got.body["access_token"]) == prover.thumbprint


async def test_5_refresh_tokens_of_public_clients_are_bound(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    code = await public.code(member.email, PASSWORD, scope=OFFLINE)
    first = await redeem(public, prover, code)
    token = first.body["refresh_token"]

    assert (await public.refresh(token))[1]["error"] == "invalid_grant"
    assert (await refresh(public, Prover(), token)).outcome == (400, "invalid_grant")
    second = await refresh(public, prover, token)
    assert (second.status, second.body["token_type"]) == (200, "DPoP")
    assert thumbprint_of(second.body["access_token"]) == prover.thumbprint

    again = second.body["refresh_token"]
    assert (await refresh(public, Prover(), again)).outcome == (400, "invalid_grant")
    assert (await refresh(public, prover, again)).status == 200


async def test_5_a_public_client_can_bind_its_refresh_token_later(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    _, first = await public.redeem(await public.code(member.email, PASSWORD, scope=OFFLINE))

    second = await refresh(public, prover, first["refresh_token"])

    assert (second.status, second.body["token_type"]) == (200, "DPoP")
    assert (await public.refresh(second.body["refresh_token"]))[1]["error"] == "invalid_grant"
    assert (await refresh(public, prover, second.body["refresh_token"])).status == 200


async def test_5_refresh_tokens_of_confidential_clients_are_not_bound(
    confidential: RelyingParty, member: Client, prover: Prover
) -> None:
    code = await confidential.code(member.email, PASSWORD, scope=OFFLINE)
    first = await redeem(confidential, prover, code)

    another = Prover()
    second = await refresh(confidential, another, first.body["refresh_token"])

    assert second.status == 200, second.body
    assert thumbprint_of(second.body["access_token"]) == another.thumbprint


async def test_5_1_the_metadata_name_the_algorithms(public: RelyingParty) -> None:
    page = await public.visit("GET", "/.well-known/oauth-authorization-server")

    shown = json.loads(page.text)["dpop_signing_alg_values_supported"]
    assert shown == ["ES256", "Ed25519"]


async def test_5_2_a_client_can_be_held_to_proofs(
    registrar: Client, member: Client, prover: Prover
) -> None:
    async with await RelyingParty.register(
        registrar, first_party=True, dpop_bound_access_tokens=True, scopes=SCOPES
    ) as party:
        shown = await registrar.get(f"admin/oauth_clients/{party.client_id}")
        assert shown.body["dpop_bound_access_tokens"] is True
        code = await party.code(member.email, PASSWORD, scope=OFFLINE)

        status, refused = await party.redeem(code)
        assert (status, refused["error"]) == (400, "invalid_dpop_proof")
        got = await redeem(party, prover, code)
        assert got.status == 200, got.body
        status, refused = await party.refresh(got.body["refresh_token"])
        assert (status, refused["error"]) == (400, "invalid_dpop_proof")


def bad_proofs(url: str, nonce: str) -> dict[str, list[str]]:
    """Proofs for the token endpoint that are not good, each for another reason."""
    good, other, now = Prover(), Prover(), time.time()

    def proof(**changes: Any) -> list[str]:
        return [good.proof("POST", url, nonce=nonce, **changes)]

    head, body, signature = proof()[0].split(".")
    private = {**good.jwk, "d": "AAAA"}
    hmac_key = {"kty": "oct", "k": "AAAA"}
    return {
        "two": [*proof(), *proof()],
        "no JWS": ["x"],
        "blank": [""],
        "too long": proof(padding="x" * 5000),
        "unsigned": [f"{head}.{body}."],
        "of another key": proof(header={"jwk": other.jwk}),
        "changed": [f"{head}.{body[:-4]}AAAA.{signature}"],
        "without a key": proof(header={"jwk": None}),
        "with a private key": proof(header={"jwk": private}),
        "with a shared key": proof(header={"jwk": hmac_key}),
        "of another type": proof(header={"typ": "JWT"}),
        "with the algorithm none": [f"{NO_ALGORITHM}.{body}."],
        "with a further header": proof(header={"jku": "https://attacker.example"}),
        "for GET": [good.proof("GET", url, nonce=nonce)],
        "for another address": [good.proof("POST", f"{url}/x", nonce=nonce)],
        "for another host": [good.proof("POST", "https://attacker.example/oauth/token")],
        "without a method": proof(htm=None),
        "without an address": proof(htu=None),
        "without an id": proof(jti=None),
        "with a long id": proof(jti="x" * 300),
        "with a number as id": proof(jti=7),
        "without a time": proof(iat=None),
        "with no time": proof(iat="now"),
        "with not a number": proof(iat=float("nan")),
        "with infinity": proof(iat=float("inf")),
        "with a huge time": proof(iat=10**400),
        "old": proof(iat=int(now) - 3600),
        "of the future": proof(iat=int(now) + 3600),
    }


async def test_4_3_bad_proofs_are_refused_and_use_up_no_code(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    code = await public.code(member.email, PASSWORD)
    nonce = await nonce_of(public, prover)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "https://app.example.com/callback",
        "code_verifier": VERIFIER,
    }

    outcomes = {
        what: (await send(public, TOKEN, proofs, form)).outcome
        for what, proofs in bad_proofs(f"{public.system.gateway_url}{TOKEN}", nonce).items()
    }

    assert outcomes == dict.fromkeys(outcomes, (400, "invalid_dpop_proof"))
    assert (await redeem(public, prover, code)).status == 200


@pytest.mark.parametrize(
    "change", [str.upper, lambda url: f"{url}?x=1#y", lambda url: url.replace("token", "%74oken")]
)
async def test_4_3_addresses_are_compared_in_one_spelling(
    public: RelyingParty, prover: Prover, change: Any
) -> None:
    scheme, rest = public.system.gateway_url.split("://")
    url = f"{change(scheme) if change is str.upper else scheme}://{rest}{TOKEN}"
    url = url if change is str.upper else change(url)
    nonce = await nonce_of(public, prover)

    got = await send(
        public, TOKEN, [prover.proof("POST", url, nonce=nonce)], {"grant_type": "refresh_token"}
    )

    assert got.outcome == (400, "invalid_request")  # the refresh token is missing


async def test_6_1_and_6_2_the_key_is_told(
    confidential: RelyingParty, member: Client, prover: Prover
) -> None:
    got = await redeem(confidential, prover, await confidential.code(member.email, PASSWORD))

    _, shown = await confidential.post("/oauth/introspect", token=got.body["access_token"])

    assert shown["active"] is True
    assert (shown["token_type"], shown["cnf"]) == ("DPoP", {"jkt": prover.thumbprint})


async def test_7_userinfo_takes_a_bound_token_with_its_proof_only(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    got = await redeem(public, prover, await public.code(member.email, PASSWORD, scope=OFFLINE))
    token, url = got.body["access_token"], f"{public.system.gateway_url}/oauth/userinfo"
    nonce = got.headers["DPoP-Nonce"]  # 8.2: the one for the next proof

    good = prover.proof("GET", url, token=token, nonce=nonce)
    shown = await userinfo(public, "DPoP", token, good)
    assert (shown.status, shown.body["email"]) == (200, member.email)

    by_another_key = Prover().proof("GET", url, token=token, nonce=nonce)
    for scheme, proofs, error in (
        ("Bearer", [], "invalid_token"),
        ("Bearer", [prover.proof("GET", url, token=token, nonce=nonce)], "invalid_token"),
        ("DPoP", [], "invalid_dpop_proof"),
        ("DPoP", [good], "invalid_dpop_proof"),
        ("DPoP", [by_another_key], "invalid_token"),
        ("DPoP", [prover.proof("GET", url, nonce=nonce)], "invalid_dpop_proof"),
        ("DPoP", [prover.proof("GET", url, token="x", nonce=nonce)], "invalid_dpop_proof"),
        ("DPoP", [prover.proof("GET", url, token=token)], "use_dpop_nonce"),
    ):
        refused = await userinfo(public, scheme, token, *proofs)
        assert refused.outcome == (401, error)
        assert refused.headers["WWW-Authenticate"].startswith(f'DPoP error="{error}"')
        assert ("DPoP-Nonce" in refused.headers) == (error == "use_dpop_nonce")


async def test_7_a_bearer_token_is_none_for_dpop(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    _, tokens = await public.redeem(await public.code(member.email, PASSWORD, scope=OFFLINE))
    token, url = tokens["access_token"], f"{public.system.gateway_url}/oauth/userinfo"
    nonce = await nonce_of(public, prover)

    proof = prover.proof("GET", url, token=token, nonce=nonce)

    assert (await userinfo(public, "DPoP", token, proof)).outcome == (401, "invalid_token")
    assert (await userinfo(public, "Bearer", token)).status == 200


@pytest.mark.parametrize("nonce", ["x", "A" * 32, "é", "", "x" * 250])
async def test_8_a_nonce_of_nobodys_is_refused(
    public: RelyingParty, prover: Prover, nonce: str
) -> None:
    url = f"{public.system.gateway_url}{TOKEN}"

    got = await send(
        public, TOKEN, [prover.proof("POST", url, nonce=nonce)], {"grant_type": "refresh_token"}
    )

    if nonce:
        assert got.outcome == (400, "use_dpop_nonce")
        assert got.headers["DPoP-Nonce"]
        assert got.headers["Cache-Control"] == "no-store"
    else:
        assert got.outcome == (400, "invalid_dpop_proof")


async def test_8_an_operator_can_do_without_nonces(
    confidential: RelyingParty, prover: Prover
) -> None:
    url = f"{confidential.system.gateway_url}{TOKEN}"
    headers, form = confidential.authenticated({"grant_type": "client_credentials"})
    async with (
        another_instance(confidential.system, BARONG_OAUTH_DPOP_NONCE="false") as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
        http.post(TOKEN, data=form, headers={**headers, "DPoP": prover.proof("POST", url)}) as got,
    ):
        assert (got.status, "DPoP-Nonce" in got.headers) == (200, False)


async def test_10_a_code_can_be_bound_from_the_start(
    public: RelyingParty, member: Client, prover: Prover
) -> None:
    code = await public.code(member.email, PASSWORD, dpop_jkt=prover.thumbprint)

    assert (await public.redeem(code))[1]["error"] == "invalid_grant"
    assert (await redeem(public, Prover(), code)).outcome == (400, "invalid_grant")
    assert (await redeem(public, prover, code)).status == 200


@pytest.mark.parametrize("thumbprint", ["x", "x" * 44, "é" * 43, "=" * 43])
async def test_10_what_is_no_thumbprint_is_refused(public: RelyingParty, thumbprint: str) -> None:
    page = await public.authorize(dpop_jkt=thumbprint)

    assert page.parameters["error"] == "invalid_request"


@pytest.mark.parametrize("by_proof", [False, True])
async def test_10_1_a_pushed_request_binds_its_code(
    public: RelyingParty, member: Client, prover: Prover, by_proof: bool
) -> None:
    if by_proof:
        pushed = await prove(public, prover, PAR, **public.request())
    else:
        pushed = await send(public, PAR, [], public.request(dpop_jkt=prover.thumbprint))
    assert pushed.status == 201, pushed.body
    params = {"client_id": public.client_id, "request_uri": pushed.body["request_uri"]}
    page = await public.visit("GET", "/oauth/authorize", params=params)
    page = await public.log_in(page, member.email, PASSWORD)
    page = await public.visit("GET", page.location)
    code = page.parameters["code"]

    assert (await redeem(public, Prover(), code)).outcome == (400, "invalid_grant")
    assert (await redeem(public, prover, code)).status == 200


async def test_10_1_proof_and_parameter_have_to_agree(public: RelyingParty, prover: Prover) -> None:
    agreed = await prove(public, prover, PAR, **public.request(dpop_jkt=prover.thumbprint))
    refused = await prove(public, prover, PAR, **public.request(dpop_jkt=Prover().thumbprint))

    assert agreed.status == 201
    assert refused.outcome == (400, "invalid_dpop_proof")


async def test_11_1_a_proof_works_once_also_for_several_at_once(
    confidential: RelyingParty, prover: Prover
) -> None:
    nonce = await nonce_of(confidential, prover)
    proof = prover.proof("POST", f"{confidential.system.gateway_url}{TOKEN}", nonce=nonce)
    form = {"grant_type": "client_credentials"}

    got = await asyncio.gather(*(send(confidential, TOKEN, [proof], form) for _ in range(3)))

    assert sorted(each.outcome for each in got) == [
        (200, ""),
        (400, "invalid_dpop_proof"),
        (400, "invalid_dpop_proof"),
    ]
