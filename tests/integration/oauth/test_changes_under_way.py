"""What changes between two steps of a flow: the user, the consent, the client."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from oauth_svc.clients.models import digest_of
from tests.support.client import Client
from tests.support.oauth import another_instance, database
from tests.support.relying_party import RelyingParty
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

SCOPES = ["openid", "email", "offline_access", "orders"]
API, OTHER_API = "https://api.example.com", "https://other.example.com"


@pytest.fixture
async def client(registrar: Client) -> AsyncIterator[RelyingParty]:
    async with await RelyingParty.register(
        registrar, scopes=SCOPES, first_party=True, resources=[API, OTHER_API]
    ) as made:
        yield made


async def change(registrar: Client, client: RelyingParty, **values: object) -> None:
    changed = await registrar.call("PUT", f"admin/oauth_clients/{client.client_id}", json=values)
    assert changed.status == 200, changed.body


async def test_a_code_ends_with_the_consent(
    app: RelyingParty, member: Client, registrar: Client
) -> None:
    code = await app.code(member.email, PASSWORD)
    path = f"resource/consents/{app.client_id}"
    assert (await member.call("DELETE", path)).status == 204

    status, refused = await app.redeem(code)

    assert (status, refused["error"]) == (400, "invalid_grant")


async def test_a_code_of_a_banned_user_logs_nobody_in(
    client: RelyingParty, system: Installation, registrar: Client
) -> None:
    async with Client(system) as owner:
        uid = (await owner.become_member()).body["uid"]
        code = await client.code(owner.email, PASSWORD)
        await registrar.post("admin/users/update", {"uid": uid, "state": "banned"})

        status, refused = await client.redeem(code)  # before the event has come

        assert (status, refused["error"]) == (400, "invalid_grant")


async def test_a_challenge_ends_with_the_redirect_uri_it_would_lead_to(
    client: RelyingParty, member: Client, registrar: Client
) -> None:
    start = await client.authorize()
    challenge = start.parameters["login_challenge"]
    await change(registrar, client, redirect_uris=["https://new.example.com/callback"])

    path = f"identity/oauth/challenges/{challenge}"
    refusal = await member.call("POST", path, {"kind": "login", "action": "refuse"})
    page = await client.visit("GET", f"/oauth/authorize/resume?challenge={challenge}")

    assert (refusal.status, refusal.errors) == (404, ["oauth.challenge.doesnt_exist"])
    assert (page.status, "Location" in page.headers) == (404, False)


async def test_a_challenge_gives_no_scope_that_the_client_has_lost(
    client: RelyingParty, member: Client, registrar: Client
) -> None:
    start = await client.authorize(scope="openid email")
    await change(registrar, client, scopes=["openid"])

    resumed = await client.log_in(start, member.email, PASSWORD)
    end = await client.visit("GET", resumed.location)

    assert end.parameters["error"] == "invalid_scope"


async def test_a_refresh_gives_only_what_the_client_may_still_ask_for(
    client: RelyingParty, member: Client, registrar: Client
) -> None:
    asked = {"scope": "openid offline_access orders", "resource": API}
    _, first = await client.redeem(await client.code(member.email, PASSWORD, **asked))
    await change(registrar, client, scopes=["openid", "offline_access"])
    _, second = await client.refresh(first["refresh_token"])

    assert second["scope"] == "openid offline_access"
    status, refused = await client.refresh(second["refresh_token"], scope="orders")
    assert (status, refused["error"]) == (400, "invalid_scope")

    await change(registrar, client, resources=[OTHER_API])
    status, refused = await client.refresh(second["refresh_token"])
    assert (status, refused["error"]) == (400, "invalid_grant")  # no token for the gateway


async def test_claims_that_cannot_be_stored_are_refused(client: RelyingParty) -> None:
    for value in (r"\u0000", r"\ud800"):
        asked = '{"id_token": {"sub": {"value": "VALUE"}}}'.replace("VALUE", value)
        assert (await client.authorize(claims=asked)).parameters["error"] == "invalid_request"


async def test_of_many_challenges_of_a_client_the_oldest_give_way(
    client: RelyingParty, app: RelyingParty
) -> None:
    others = (await app.authorize()).parameters["login_challenge"]
    async with (
        another_instance(client.system, BARONG_OAUTH_CHALLENGES="3") as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
    ):
        challenges = []
        for _ in range(5):
            async with http.get(
                "/oauth/authorize", params=client.request(), allow_redirects=False
            ) as got:
                challenges.append(got.headers["Location"].partition("login_challenge=")[2])

    pages = [
        await client.visit("GET", f"/oauth/login?login_challenge={each}")
        for each in [*challenges, others]
    ]
    assert [page.status for page in pages] == [404, 404, 200, 200, 200, 200]


async def test_expired_refresh_tokens_are_deleted_before_their_grant(
    client: RelyingParty, member: Client
) -> None:
    asked = {"scope": "openid offline_access"}
    _, first = await client.redeem(await client.code(member.email, PASSWORD, **asked))
    _, second = await client.refresh(first["refresh_token"])
    async with database(client.system) as connection:
        await connection.execute(
            """
            UPDATE oauth.refresh_tokens
            SET expires_at = now() - interval '1 second'
            WHERE digest = $1
            """,
            digest_of(first["refresh_token"]),
        )

        async def deleted() -> bool:
            query = "SELECT count(*) FROM oauth.refresh_tokens WHERE digest = $1"
            return bool(await connection.fetchval(query, digest_of(first["refresh_token"])) == 0)

        async with another_instance(client.system):  # which begins with a sweep
            await until(deleted)

    assert (await client.refresh(second["refresh_token"]))[0] == 200
