"""An API exchanges the token that it was sent for one for another API (RFC 8693)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from tests.support.client import Client
from tests.support.dpop import Prover, prove, redeem
from tests.support.relying_party import RelyingParty
from tests.support.system import PASSWORD, Installation

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ORDERS, STOCK, LEDGER = (f"https://{name}.example.com" for name in ("orders", "stock", "ledger"))
SCOPES = ["openid", "orders", "stock", "offline_access"]


@pytest.fixture(scope="module")
async def front(registrar: Client) -> AsyncIterator[RelyingParty]:
    """The application that calls the API of orders for users."""
    async with await RelyingParty.register(
        registrar,
        authentication="none",
        first_party=True,
        scopes=SCOPES,
        resources=[ORDERS, LEDGER],
    ) as made:
        yield made


@pytest.fixture(scope="module")
async def orders(registrar: Client) -> AsyncIterator[RelyingParty]:
    """The API of orders, which may call the API of stock."""
    async with await RelyingParty.register(
        registrar,
        redirect_uris=[],
        grant_types=[TOKEN_EXCHANGE],
        scopes=["orders", "stock"],
        resources=[ORDERS],
        exchange_resources=[STOCK],
    ) as made:
        yield made


@pytest.fixture(scope="module")
async def stock(registrar: Client) -> AsyncIterator[RelyingParty]:
    """The API of stock, which may call that of orders."""
    async with await RelyingParty.register(
        registrar,
        redirect_uris=[],
        grant_types=[TOKEN_EXCHANGE],
        scopes=["stock"],
        resources=[STOCK],
        exchange_resources=[ORDERS],
        access_token_seconds=86_400,
    ) as made:
        yield made


async def tokens_of(front: RelyingParty, member: Client, **changes: str) -> dict[str, Any]:
    asked = {"scope": " ".join(SCOPES), "resource": ORDERS, **changes}
    status, tokens = await front.redeem(await front.code(member.email, PASSWORD, **asked))
    assert status == 200, tokens
    return dict(tokens)


async def exchanged(
    api: RelyingParty, token: str, **changes: str | None
) -> tuple[int, dict[str, Any]]:
    return await api.post(
        "/oauth/token",
        **{
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "resource": STOCK,
            **changes,
        },
    )


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


async def test_a_token_is_exchanged_for_one_that_names_who_acts(
    front: RelyingParty, orders: RelyingParty, stock: RelyingParty, member: Client
) -> None:
    given = (await tokens_of(front, member))["access_token"]

    status, answer = await exchanged(orders, given)
    narrow_status, narrow = await exchanged(orders, given, scope="stock")
    _, shown = await stock.post("/oauth/introspect", token=answer["access_token"])

    assert (status, narrow_status) == (200, 200)
    assert (answer["issued_token_type"], answer["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert not {"refresh_token", "id_token"} & set(answer)
    before, after = claims_of(given), claims_of(answer["access_token"])
    assert (after["sub"], after["aud"], after["client_id"]) == (
        before["sub"],
        STOCK,
        orders.client_id,
    )
    assert after["act"] == {"sub": orders.client_id}
    assert after["scope"] == "orders stock"  # neither openid nor offline_access
    assert narrow["scope"] == claims_of(narrow["access_token"])["scope"] == "stock"
    assert after["jti"].partition(".")[0] != before["jti"].partition(".")[0]
    assert (shown["active"], shown["act"]) == (True, {"sub": orders.client_id})


async def test_a_chain_of_apis_is_told_and_ends_with_the_first_token(
    front: RelyingParty, orders: RelyingParty, stock: RelyingParty, member: Client
) -> None:
    tokens = await tokens_of(front, member)
    _, first = await exchanged(orders, tokens["access_token"])
    _, second = await exchanged(stock, first["access_token"], resource=ORDERS)
    chain = claims_of(second["access_token"])

    assert chain["act"] == {"sub": stock.client_id, "act": {"sub": orders.client_id}}
    assert chain["exp"] == claims_of(first["access_token"])["exp"]
    assert chain["exp"] <= claims_of(tokens["access_token"])["exp"]  # though it may live for a day
    active = [
        (await api.post("/oauth/introspect", token=each["access_token"]))[1]["active"]
        for api, each in ((orders, first), (stock, second))
    ]
    assert active == [True, True]

    assert (await front.post("/oauth/revoke", token=tokens["refresh_token"]))[0] == 200

    for api, each in ((orders, first), (stock, second)):
        assert (await api.post("/oauth/introspect", token=each["access_token"]))[1] == {
            "active": False
        }
        assert (await exchanged(api, each["access_token"]))[0] == 400
    status, refused = await exchanged(orders, tokens["access_token"])
    assert (status, refused["error"]) == (400, "invalid_request")


async def test_an_api_ends_its_own_token_only(
    front: RelyingParty, orders: RelyingParty, member: Client
) -> None:
    given = (await tokens_of(front, member))["access_token"]
    _, answer = await exchanged(orders, given)

    assert (await orders.post("/oauth/revoke", token=answer["access_token"]))[0] == 200

    shown = await orders.post("/oauth/introspect", token=answer["access_token"])
    assert shown[1] == {"active": False}
    assert (await exchanged(orders, given))[0] == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": None}, "invalid_target"),
        ({"resource": LEDGER}, "invalid_target"),
        ({"resource": ORDERS}, "invalid_target"),
        ({"audience": LEDGER}, "invalid_target"),
        ({"scope": "ledger"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": "no.token"}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
        ),
        ({"actor_token": "a", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
)
async def test_what_is_not_allowed_is_not_exchanged(
    front: RelyingParty,
    orders: RelyingParty,
    member: Client,
    changes: dict[str, str | None],
    error: str,
) -> None:
    given = (await tokens_of(front, member))["access_token"]

    status, refused = await exchanged(orders, given, **changes)

    assert (status, refused["error"]) == (400, error)


async def test_a_token_that_was_not_sent_to_the_api_is_worth_nothing_to_it(
    front: RelyingParty, orders: RelyingParty, member: Client
) -> None:
    tokens = await tokens_of(front, member, resource=LEDGER)

    for stolen in (tokens["access_token"], tokens["id_token"], tokens["refresh_token"]):
        status, refused = await exchanged(orders, stolen)
        assert (status, refused["error"]) == (400, "invalid_request")


async def test_rfc_9449_a_bound_token_is_exchanged_by_whoever_has_its_key(
    front: RelyingParty, orders: RelyingParty, member: Client
) -> None:
    """Without the key, a stolen token would become a bearer token, or one of the thief's key."""
    mine = Prover()
    asked = {"scope": " ".join(SCOPES), "resource": ORDERS}
    bound = await redeem(front, mine, await front.code(member.email, PASSWORD, **asked))
    token = bound.body["access_token"]
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": STOCK,
    }

    status, refused = await exchanged(orders, token)
    stolen = await prove(orders, Prover(), "/oauth/token", **form)
    given = await prove(orders, mine, "/oauth/token", **form)

    assert (status, refused["error"]) == (400, "invalid_request")
    assert stolen.outcome == (400, "invalid_request")
    assert "bound to a key" in refused["error_description"] == stolen.body["error_description"]
    assert (given.status, given.body["token_type"]) == (200, "DPoP")
    assert claims_of(given.body["access_token"])["cnf"] == {"jkt": mine.thumbprint}


async def test_only_clients_with_a_list_of_targets_exchange(
    front: RelyingParty, registrar: Client, member: Client
) -> None:
    given = (await tokens_of(front, member))["access_token"]
    status, refused = await exchanged(front, given)
    assert (status, refused["error"]) == (400, "unauthorized_client")
    wanted = {"redirect_uris": [], "grant_types": [TOKEN_EXCHANGE]}
    async with await RelyingParty.register(
        registrar, scopes=["orders"], resources=[ORDERS], **wanted
    ) as api:
        status, refused = await exchanged(api, given)
        assert (status, refused["error"]) == (400, "invalid_target")
    public = await registrar.call(
        "POST", "admin/oauth_clients", json={"name": "x", "authentication": "none", **wanted}
    )
    assert (public.status, public.errors) == (422, ["admin.oauth_client.invalid_grant_types"])


async def test_an_exchange_and_a_revocation_at_once_leave_no_token(
    front: RelyingParty, orders: RelyingParty, member: Client, system: Installation
) -> None:
    tokens = await tokens_of(front, member)
    several = [exchanged(orders, tokens["access_token"]) for _ in range(6)]

    *answers, _ = await asyncio.gather(
        *several, front.post("/oauth/revoke", token=tokens["refresh_token"])
    )

    for status, answer in answers:
        if status == 200:
            shown = await orders.post("/oauth/introspect", token=answer["access_token"])
            assert shown[1] == {"active": False}
        else:
            assert (status, answer["error"]) == (400, "invalid_request")
