"""Calls with tokens that are bound to a key (RFC 9449, 7), through a gateway."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import aiohttp
import pytest
from aiohttp import web

from tests.support.aiohttp_app import serving
from tests.support.client import Client
from tests.support.dpop import Prover, redeem
from tests.support.relying_party import RelyingParty
from tests.support.replicas import gateway_of
from tests.support.system import PASSWORD, ROOT, Installation

ROUTES = """
- {{prefix: /api/v2/barong/resource/shop, access: required, upstream: "{up}", scope: shop}}
- {{prefix: /api/v2/barong/resource/bank, access: required, upstream: "{up}", scope: bank}}
- prefix: /api/v2/barong/resource/vault
  access: required
  upstream: "{up}"
  scope: shop
  acr: phr
- prefix: /api/v2/barong/resource/orders
  access: required
  upstream: "{up}"
  scope: shop
  resource: true
- {{prefix: /public, access: public, upstream: "{up}"}}
"""
SHOP = "/api/v2/barong/resource/shop"


@dataclass
class Answer:
    status: int
    text: str
    challenge: str
    nonce: str | None

    @property
    def outcome(self) -> tuple[int, str]:
        """The status, and the error of the challenge with its scheme."""
        return self.status, self.challenge.partition(",")[0]


@dataclass
class Buyer:
    """A client with a bound token for a member, and its key."""

    system: Installation
    issuer: str
    prover: Prover
    token: str
    bearer: str

    def proof(self, method: str = "GET", path: str = SHOP, **changes: object) -> str:
        given = {"token": self.token, **changes}
        return self.prover.proof(method, f"{self.issuer}{path}", **given)  # type: ignore[arg-type]

    async def call(
        self,
        proofs: Sequence[str],
        *,
        authorization: str | None = None,
        method: str = "GET",
        path: str = SHOP,
        system: Installation | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        sent = [
            ("Authorization", authorization or f"DPoP {self.token}"),
            *(("DPoP", each) for each in proofs),
            *headers.items(),
        ]
        async with (
            aiohttp.ClientSession((system or self.system).gateway_url) as http,
            http.request(method, path, headers=sent) as got,
        ):
            return Answer(
                got.status,
                await got.text(),
                got.headers.get("WWW-Authenticate", ""),
                got.headers.get("DPoP-Nonce"),
            )


@pytest.fixture(scope="module")
async def routes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A routes file that leads to an upstream, which says what it got."""

    async def served(request: web.Request) -> web.Response:
        told = [name for name in request.headers if name.lower() == "dpop"]
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        return web.json_response({"proofs": len(told), "scheme": scheme})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served)
    async with serving(app) as upstream:
        file = tmp_path_factory.mktemp("dpop") / "routes.yaml"
        usual = (ROOT / "deploy" / "config" / "routes.yaml").read_text()
        file.write_text(usual + ROUTES.format(up=upstream))
        yield str(file)


@pytest.fixture(scope="module")
async def buyer(system: Installation, routes: str) -> AsyncIterator[Buyer]:
    async with (
        gateway_of(system, BARONG_ROUTES_FILE=routes) as mine,
        Client(system) as admin,
        Client(system) as member,
    ):
        await admin.log_in_as_superadmin()
        await member.become_member()
        async with await RelyingParty.register(
            admin,
            first_party=True,
            scopes=["openid", "shop", "resource"],
            access_token_seconds=3600,
        ) as party:
            prover, scope = Prover(), "openid shop resource"
            code = await party.code(member.email, PASSWORD, scope=scope)
            bound = await redeem(party, prover, code)
            code = await party.code(member.email, PASSWORD, scope=scope)
            _, unbound = await party.redeem(code)
            yield Buyer(
                mine,
                system.gateway_url,
                prover,
                bound.body["access_token"],
                unbound["access_token"],
            )


async def test_7_a_bound_token_takes_a_proof_for_each_call(buyer: Buyer) -> None:
    """The second call finds the token in the gateway's memory, and needs a proof all the same."""
    for _ in range(2):
        answer = await buyer.call([buyer.proof()])
        assert (answer.status, answer.text) == (200, '{"proofs": 0, "scheme": "Bearer"}')
        refused = await buyer.call([])
        assert refused.outcome == (401, 'DPoP error="invalid_dpop_proof"')
        assert "authz.invalid_dpop_proof" in refused.text


async def test_7_a_short_path_is_the_one_that_counts(buyer: Buyer) -> None:
    """The address is that which the client called, not the canonical one."""
    path = "/resource/users/me?x=1"

    assert (await buyer.call([buyer.proof(path="/resource/users/me")], path=path)).status == 200
    refused = await buyer.call([buyer.proof(path="/api/v2/barong/resource/users/me")], path=path)
    assert refused.status == 401


async def test_7_2_a_bound_token_is_no_bearer_token(buyer: Buyer) -> None:
    for proofs in ([], [buyer.proof()]):
        answer = await buyer.call(proofs, authorization=f"Bearer {buyer.token}")
        assert answer.outcome == (401, 'DPoP error="invalid_token"')
        assert "authz.invalid_access_token" in answer.text


async def test_7_2_a_bearer_token_needs_no_proof_and_takes_none(buyer: Buyer) -> None:
    assert (await buyer.call([], authorization=f"Bearer {buyer.bearer}")).status == 200
    for proofs in ([], [buyer.proof(token=buyer.bearer)]):
        answer = await buyer.call(proofs, authorization=f"DPoP {buyer.bearer}")
        assert answer.outcome == (401, 'DPoP error="invalid_token"')


async def test_7_what_is_no_token_is_refused(buyer: Buyer) -> None:
    for authorization in ("DPoP", "DPoP ", "DPoP x", "dpop a.b.c", f"DPoP {buyer.token}x"):
        answer = await buyer.call([buyer.proof()], authorization=authorization)
        assert answer.status == 401, authorization


async def test_7_the_scheme_may_have_any_case(buyer: Buyer) -> None:
    answer = await buyer.call([buyer.proof()], authorization=f"dPoP {buyer.token}")

    assert answer.status == 200


async def test_7_1_another_key_does_not_do(buyer: Buyer) -> None:
    proof = Prover().proof("GET", f"{buyer.issuer}{SHOP}", token=buyer.token)

    answer = await buyer.call([proof])

    assert answer.outcome == (401, 'DPoP error="invalid_token"')


async def test_4_3_a_proof_is_for_one_request(buyer: Buyer) -> None:
    now = int(time.time())
    for what, proofs in {
        "two": [buyer.proof(), buyer.proof()],
        "none": ["x"],
        "method": [buyer.proof("POST")],
        "path": [buyer.proof(path=f"{SHOP}/7")],
        "token": [buyer.proof(token="another")],
        "no token": [buyer.proof(token=None)],
        "old": [buyer.proof(iat=now - 3600)],
        "future": [buyer.proof(iat=now + 3600)],
        "other type": [buyer.proof(header={"typ": "JWT"})],
    }.items():
        answer = await buyer.call(proofs)
        assert answer.outcome == (401, 'DPoP error="invalid_dpop_proof"'), what
        assert 'algs="ES256 Ed25519"' in answer.challenge


async def test_4_3_the_host_that_a_call_names_does_not_count(buyer: Buyer) -> None:
    """A proof for the address of somebody else's server is not good here, whatever Host says."""
    proof = buyer.prover.proof("GET", f"http://attacker.example{SHOP}", token=buyer.token)

    for headers in ({"Host": "attacker.example"}, {"X-Forwarded-Host": "attacker.example"}):
        answer = await buyer.call([proof], headers=headers)
        assert answer.outcome == (401, 'DPoP error="invalid_dpop_proof"')
        assert (await buyer.call([buyer.proof()], headers=headers)).status == 200


async def test_11_1_a_proof_works_once_at_all_gateways(
    buyer: Buyer, system: Installation, routes: str
) -> None:
    proof, second = buyer.proof(), buyer.proof()
    async with gateway_of(system, BARONG_ROUTES_FILE=routes) as other:
        assert (await buyer.call([proof])).status == 200
        for gateway in (buyer.system, other):
            answer = await buyer.call([proof], system=gateway)
            assert answer.outcome == (401, 'DPoP error="invalid_dpop_proof"')
        answers = await asyncio.gather(
            *(buyer.call([second], system=gateway) for gateway in (buyer.system, other) * 2)
        )

    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401]


async def test_9_a_gateway_can_ask_for_its_nonce(
    buyer: Buyer, system: Installation, routes: str
) -> None:
    async with gateway_of(system, BARONG_ROUTES_FILE=routes, BARONG_DPOP_NONCE="true") as demanding:
        asked = await buyer.call([buyer.proof()], system=demanding)
        assert asked.outcome == (401, 'DPoP error="use_dpop_nonce"')
        assert asked.nonce is not None
        assert "authz.use_dpop_nonce" in asked.text

        good = await buyer.call([buyer.proof(nonce=asked.nonce)], system=demanding)
        forged = await buyer.call([buyer.proof(nonce="x" * 32)], system=demanding)
        assert (good.status, forged.status) == (200, 401)
        bearer = f"Bearer {buyer.bearer}"
        assert (await buyer.call([], authorization=bearer, system=demanding)).status == 200

    # A gateway that asks for none still refuses one that nobody made.
    assert (await buyer.call([buyer.proof(nonce="x" * 32)])).status == 401
    assert (await buyer.call([buyer.proof(nonce=asked.nonce)])).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "bank", 403, "insufficient_scope"),
        ("GET", "vault", 401, "insufficient_user_authentication"),
        # identity-svc asks for it, which gets a bearer token from the gateway.
        ("POST", "otp/recovery_codes", 401, "insufficient_user_authentication"),
    ],
)
async def test_7_1_challenges_are_of_the_scheme(
    buyer: Buyer, method: str, path: str, status: int, error: str
) -> None:
    path = f"/api/v2/barong/resource/{path}"

    answer = await buyer.call([buyer.proof(method, path)], method=method, path=path)

    assert answer.outcome == (status, f'DPoP error="{error}"')
    assert answer.challenge.count('algs="ES256 Ed25519"') == 1
    assert "Bearer" not in answer.challenge


async def test_7_1_bearer_tokens_are_challenged_as_such(buyer: Buyer) -> None:
    path = "/api/v2/barong/resource/vault"

    answer = await buyer.call([], authorization=f"Bearer {buyer.bearer}", path=path)

    assert answer.outcome == (401, 'Bearer error="insufficient_user_authentication"')
    assert "algs" not in answer.challenge


async def test_7_1_a_call_without_a_readable_token_is_challenged_in_its_scheme(
    buyer: Buyer,
) -> None:
    """At a protected resource, where the challenge names the metadata."""
    orders = SHOP.replace("shop", "orders")

    answer = await buyer.call([], authorization="DPoP ", path=orders)

    assert answer.status == 401
    assert answer.challenge.startswith("DPoP resource_metadata=")


async def test_a_protected_resource_needs_a_token_of_its_own(buyer: Buyer) -> None:
    orders = SHOP.replace("shop", "orders")

    answer = await buyer.call([buyer.proof(path=orders)], path=orders)

    assert answer.outcome == (401, 'DPoP error="invalid_token"')
    assert "resource_metadata=" in answer.challenge
    async with (
        aiohttp.ClientSession(buyer.system.gateway_url) as http,
        http.get(f"/.well-known/oauth-protected-resource{orders}") as got,
    ):
        shown = await got.json()
    assert shown["dpop_signing_alg_values_supported"] == ["ES256", "Ed25519"]


async def test_a_public_upstream_gets_the_proof(buyer: Buyer) -> None:
    """It may check proofs itself, as the provider does."""
    answer = await buyer.call(["anything"], path="/public")

    assert (answer.status, answer.text) == (200, '{"proofs": 1, "scheme": ""}')


async def test_another_proxy_can_ask_about_the_call(buyer: Buyer) -> None:
    path = f"/api/v2/auth{SHOP}"

    answer = await buyer.call([buyer.proof()], path=path)
    refused = await buyer.call([buyer.proof(path=path)], path=path)

    assert (answer.status, refused.status) == (200, 401)
