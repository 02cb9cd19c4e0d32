"""Refreshing, inspecting and revoking tokens, and what ends them."""

import asyncio

import aiohttp
import jwt
import pytest

from tests.integration.oauth.conftest import SCOPES
from tests.support.client import Client
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

OFFLINE = "openid offline_access resource"


async def test_a_refresh_token_gives_new_tokens_with_fewer_scopes_if_asked(
    own_app: RelyingParty, member: Client
) -> None:
    _, first = await own_app.redeem(await own_app.code(member.email, PASSWORD, scope=OFFLINE))

    status, second = await own_app.refresh(first["refresh_token"], scope="resource")

    assert (status, second["scope"], "id_token" in second) == (200, "resource", False)
    _, third = await own_app.refresh(second["refresh_token"])
    assert third["scope"] == OFFLINE
    claims = jwt.decode(third["id_token"], options={"verify_signature": False})
    original = jwt.decode(first["id_token"], options={"verify_signature": False})
    assert "nonce" not in claims
    assert claims["auth_time"] == original["auth_time"]
    status, refused = await own_app.refresh(third["refresh_token"], scope="openid email")
    assert (status, refused["error"]) == (400, "invalid_scope")


async def test_a_client_that_may_not_refresh_gets_no_refresh_token(
    registrar: Client, member: Client
) -> None:
    grants = ["authorization_code"]
    async with await RelyingParty.register(
        registrar, first_party=True, grant_types=grants
    ) as client:
        _, tokens = await client.redeem(
            await client.code(member.email, PASSWORD, scope="openid offline_access")
        )
        status, refused = await client.refresh("x")

    assert ("refresh_token" in tokens, tokens["scope"]) == (False, "openid")
    assert (status, refused["error"]) == (400, "unauthorized_client")


async def test_two_refreshes_at_once_both_get_tokens_within_the_grace(
    own_app: RelyingParty, member: Client
) -> None:
    _, first = await own_app.redeem(await own_app.code(member.email, PASSWORD, scope=OFFLINE))

    answers = await asyncio.gather(*(own_app.refresh(first["refresh_token"]) for _ in range(3)))

    assert [status for status, _ in answers] == [200] * 3


async def test_of_two_exchanges_at_once_one_wins_and_the_other_ends_it(
    own_app: RelyingParty, member: Client
) -> None:
    code = await own_app.code(member.email, PASSWORD)

    answers = await asyncio.gather(*(own_app.redeem(code) for _ in range(4)))

    won = [body for status, body in answers if status == 200]
    assert len(won) == 1
    assert (await own_app.userinfo(won[0]["access_token"]))[0] == 401


async def test_introspection_tells_a_client_of_its_own_tokens_only(
    app: RelyingParty, registrar: Client, member: Client
) -> None:
    _, tokens = await app.redeem(await app.code(member.email, PASSWORD, scope=OFFLINE))
    async with await RelyingParty.register(registrar) as other:
        _, mine = await app.post("/oauth/introspect", token=tokens["access_token"])
        _, refresh = await app.post("/oauth/introspect", token=tokens["refresh_token"])
        _, foreign = await other.post("/oauth/introspect", token=tokens["access_token"])
        _, theirs = await other.post("/oauth/introspect", token=tokens["refresh_token"])
        _, nothing = await app.post("/oauth/introspect", token="x.y.z")

    assert (mine["active"], mine["scope"], mine["client_id"]) == (True, OFFLINE, app.client_id)
    assert refresh["active"] is True
    assert foreign == theirs == nothing == {"active": False}


async def test_a_public_client_may_not_introspect(own_app: RelyingParty) -> None:
    status, body = await own_app.post("/oauth/introspect", token="x")

    assert (status, body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_revoked_token_ends_the_grant(
    own_app: RelyingParty, registrar: Client, member: Client, kind: str
) -> None:
    _, tokens = await own_app.redeem(await own_app.code(member.email, PASSWORD, scope=OFFLINE))
    async with await RelyingParty.register(registrar) as other:
        status, body = await other.post("/oauth/revoke", token=tokens[kind])
        assert (status, body["error"]) == (400, "unauthorized_client")
    assert (await own_app.userinfo(tokens["access_token"]))[0] == 200

    assert await own_app.post("/oauth/revoke", token=tokens[kind]) == (200, None)

    assert (await own_app.userinfo(tokens["access_token"]))[0] == 401
    assert (await own_app.refresh(tokens["refresh_token"]))[0] == 400
    assert await own_app.post("/oauth/revoke", token=tokens[kind]) == (200, None)
    assert await own_app.post("/oauth/revoke", token="unknown") == (200, None)


async def test_a_machine_gets_a_token_for_itself(registrar: Client) -> None:
    async with await RelyingParty.register(
        registrar,
        grant_types=["client_credentials"],
        redirect_uris=[],
        scopes=["orders:read", "orders:write"],
        resources=["https://orders.example.com"],
    ) as machine:
        ask = {"grant_type": "client_credentials"}
        status, tokens = await machine.post(
            "/oauth/token", **ask, scope="orders:read", resource="https://orders.example.com"
        )
        claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
        _, too_much = await machine.post("/oauth/token", **ask, scope="openid")
        _, elsewhere = await machine.post("/oauth/token", **ask, resource="https://x.example")
        _, shown = await machine.post("/oauth/introspect", token=tokens["access_token"])

        assert (status, tokens["scope"], set(tokens) & {"id_token", "refresh_token"}) == (
            200,
            "orders:read",
            set(),
        )
        assert (claims["sub"], claims["aud"]) == (machine.client_id, "https://orders.example.com")
        assert too_much["error"] == "invalid_scope"
        assert elsewhere["error"] == "invalid_target"
        assert shown["active"] is True
        assert (await machine.userinfo(tokens["access_token"]))[0] == 401
        async with Client(machine.system) as caller:
            caller.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            refused = await caller.get("resource/users/me")
        assert (refused.status, refused.errors) == (401, ["authz.invalid_access_token"])


async def test_the_gateway_takes_a_token_where_its_scope_goes(
    own_app: RelyingParty, member: Client
) -> None:
    _, tokens = await own_app.redeem(await own_app.code(member.email, PASSWORD, scope=OFFLINE))
    _, plain = await own_app.redeem(await own_app.code(member.email, PASSWORD))
    async with Client(own_app.system) as caller:
        caller.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = await caller.get("resource/users/me")
        changed = await caller.call("POST", "resource/labels", {"key": "by-app", "value": "yes"})
        admin = await caller.get("admin/users")
        unscoped = await caller.get("identity/sessions")
        caller.headers = {"Authorization": f"Bearer {plain['access_token']}"}
        narrow = await caller.get("resource/users/me")
        caller.headers = {"Authorization": f"Bearer {tokens['access_token'][:-4]}AAAA"}
        forged = await caller.get("resource/users/me")

    assert (me.status, me.body["email"], changed.status) == (200, member.email, 201)
    for refused, scope in ((admin, "admin"), (narrow, "resource")):
        assert (refused.status, refused.errors) == (403, ["authz.insufficient_scope"])
        assert f'scope="{scope}"' in refused.headers["WWW-Authenticate"]
    assert (unscoped.status, unscoped.errors) == (403, ["authz.insufficient_scope"])
    assert (forged.status, forged.errors) == (401, ["authz.invalid_access_token"])
    assert 'error="invalid_token"' in forged.headers["WWW-Authenticate"]


async def test_the_gateway_drops_a_token_by_the_event_of_its_end(
    own_app: RelyingParty, member: Client
) -> None:
    _, tokens = await own_app.redeem(await own_app.code(member.email, PASSWORD, scope=OFFLINE))
    async with Client(own_app.system) as caller:
        caller.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        for _ in range(3):  # the later ones are decided about from memory
            assert (await caller.get("resource/users/me")).status == 200

        await own_app.post("/oauth/revoke", token=tokens["access_token"])

        # The answer to the revocation told the gateway already.
        assert (await caller.get("resource/users/me")).status == 401


async def test_a_consent_that_is_taken_back_ends_the_tokens(
    app: RelyingParty, system: Installation, registrar: Client
) -> None:
    async with Client(system) as owner:
        uid = (await owner.become_member()).body["uid"]
        await owner.log_in()
        _, tokens = await app.redeem(await app.code(owner.email, PASSWORD, scope=OFFLINE))
        (consent,) = (await owner.get("resource/consents")).body
        assert (consent["client_id"], consent["scopes"]) == (app.client_id, sorted(OFFLINE.split()))
        listed = await registrar.get(f"admin/oauth_clients/{app.client_id}/consents")
        assert [each["uid"] for each in listed.body] == [uid]

        gone = await owner.call("DELETE", f"resource/consents/{app.client_id}")
        again = await owner.call("DELETE", f"resource/consents/{app.client_id}")

    assert gone.status == 204
    assert (again.status, again.errors) == (404, ["resource.consent.doesnt_exist"])
    assert (await app.refresh(tokens["refresh_token"]))[0] == 400
    assert "consent_challenge" in (await app.authorize(scope=OFFLINE)).parameters


async def test_an_administrator_takes_a_consent_back(
    app: RelyingParty, system: Installation, registrar: Client
) -> None:
    async with Client(system) as owner:
        uid = (await owner.become_member()).body["uid"]
        _, tokens = await app.redeem(await app.code(owner.email, PASSWORD, scope=OFFLINE))

        path = f"admin/oauth_clients/{app.client_id}/consents/{uid}"
        assert (await registrar.call("DELETE", path)).status == 204

    assert (await app.refresh(tokens["refresh_token"]))[0] == 400


async def test_a_ban_ends_tokens(
    own_app: RelyingParty, system: Installation, registrar: Client
) -> None:
    async with Client(system) as owner:
        uid = (await owner.become_member()).body["uid"]
        _, tokens = await own_app.redeem(await own_app.code(owner.email, PASSWORD, scope=OFFLINE))

        await registrar.post("admin/users/update", {"uid": uid, "state": "banned"})

        async def refused() -> bool:
            return (await own_app.userinfo(tokens["access_token"]))[0] == 401

        await until(refused)
        assert (await own_app.refresh(tokens["refresh_token"]))[0] == 400


async def test_a_new_password_ends_tokens(own_app: RelyingParty, system: Installation) -> None:
    async with Client(system) as owner:
        await owner.become_member()
        await owner.log_in()
        _, tokens = await own_app.redeem(await own_app.code(owner.email, PASSWORD, scope=OFFLINE))

        form = {"old_password": PASSWORD, "new_password": "An0ther-train-by-night"}
        await owner.call(
            "PUT", "resource/users/password", form | {"confirm_password": form["new_password"]}
        )

        async def refused() -> bool:
            return (await own_app.userinfo(tokens["access_token"]))[0] == 401

        await until(refused)


async def test_a_deleted_client_is_gone_with_its_tokens(registrar: Client, member: Client) -> None:
    async with await RelyingParty.register(registrar, scopes=SCOPES, first_party=True) as client:
        _, tokens = await client.redeem(await client.code(member.email, PASSWORD, scope=OFFLINE))
        gone = await registrar.call("DELETE", f"admin/oauth_clients/{client.client_id}")

        assert gone.status == 204
        assert (await client.refresh(tokens["refresh_token"]))[0] == 401
        async with Client(client.system) as caller:
            caller.headers = {"Authorization": f"Bearer {tokens['access_token']}"}

            async def refused() -> bool:
                return bool((await caller.get("resource/users/me")).status == 401)

            await until(refused)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 400),
        (b"grant_type=\xff", "application/x-www-form-urlencoded", 400),
        (b"a" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join([b"a=1"] * 300), "application/x-www-form-urlencoded", 400),
        (b"grant_type=refresh_token&grant_type=x", "application/x-www-form-urlencoded", 400),
        (b"client_id=%00", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 401),
    ],
)
async def test_bodies_that_cannot_be_read_are_refused_as_the_rfc_says(
    system: Installation, body: bytes, content_type: str, status: int
) -> None:
    async with (
        aiohttp.ClientSession(system.gateway_url) as server,
        server.post("/oauth/token", data=body, headers={"Content-Type": content_type}) as got,
    ):
        assert got.status == status
        assert (await got.json())["error"] in ("invalid_request", "invalid_client")


async def test_a_loopback_redirect_may_have_any_port(registrar: Client, member: Client) -> None:
    """RFC 8252, 7.3."""
    uris = ["http://127.0.0.1/callback", REDIRECT_URI]
    async with await RelyingParty.register(
        registrar, authentication="none", first_party=True, redirect_uris=uris
    ) as client:
        await client.code(member.email, PASSWORD)
        good = await client.authorize(redirect_uri="http://127.0.0.1:49152/callback")
        bad = await client.authorize(redirect_uri="http://127.0.0.1:49152/other")
        name = await client.authorize(redirect_uri="http://localhost:49152/callback")

    assert good.location.startswith("http://127.0.0.1:49152/callback?code=")
    assert (bad.status, name.status) == (400, 400)
