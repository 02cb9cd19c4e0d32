"""Log-out: begun by a client, and told to clients."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import jwt
import pytest
from aiohttp import web

from tests.support.client import USER_AGENT, Client
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until
from tests.support.webhook_receiver import Receiver, webhook_receiver

AFTERWARDS = "https://app.example.com/bye"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Where a client is told of log-outs."""
    async with webhook_receiver() as made:
        yield made


@pytest.fixture
async def client(registrar: Client, receiver: Receiver) -> AsyncIterator[RelyingParty]:
    """A client that wants to be told."""
    async with await RelyingParty.register(
        registrar,
        first_party=True,
        post_logout_redirect_uris=[AFTERWARDS],
        backchannel_logout_uri=receiver.url,
    ) as made:
        yield made


async def test_a_client_logs_its_user_out_and_all_clients_are_told(
    client: RelyingParty, member: Client, receiver: Receiver
) -> None:
    scopes = "openid offline_access"
    _, online = await client.redeem(await client.code(member.email, PASSWORD))
    _, offline = await client.redeem(await client.code(member.email, PASSWORD, scope=scopes))
    hint = {"id_token_hint": online["id_token"]}

    ended = await client.visit(
        "GET",
        "/oauth/logout",
        params={**hint, "post_logout_redirect_uri": AFTERWARDS, "state": "s"},
    )

    assert (ended.status, ended.location) == (303, f"{AFTERWARDS}?state=s")
    assert "login_challenge" in (await client.authorize()).parameters
    (call,) = await receiver.next_calls(1)
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    token = call.body.decode().removeprefix("logout_token=")
    id_token = jwt.decode(online["id_token"], options={"verify_signature": False})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert (claims["iss"], claims["aud"]) == (id_token["iss"], client.client_id)
    assert (claims["sub"], claims["sid"]) == (id_token["sub"], id_token["sid"])
    assert (claims["events"], "nonce" in claims) == ({EVENT: {}}, False)

    async def over() -> bool:
        return (await client.userinfo(online["access_token"]))[0] == 401

    await until(over)
    assert (await client.refresh(offline["refresh_token"]))[0] == 200  # it is for offline access


async def test_without_a_hint_the_user_is_asked(client: RelyingParty, member: Client) -> None:
    await client.code(member.email, PASSWORD)
    asked = await client.visit("GET", "/oauth/logout")
    forged = await client.visit("POST", "/oauth/logout", data={"csrf_token": "guessed"})
    from_elsewhere = await client.visit("POST", "/oauth/logout", data={})

    assert (asked.status, from_elsewhere.status, forged.status) == (200, 200, 403)
    assert "code" in (await client.authorize()).parameters  # still logged in
    token = asked.field("csrf_token")
    done = await client.visit(
        "POST", "/oauth/logout", data={"csrf_token": token}, headers=client.origin
    )
    assert (done.status, "logged out" in done.text) == (200, True)
    assert "login_challenge" in (await client.authorize()).parameters


@pytest.mark.parametrize(
    "parameters",
    [
        {"post_logout_redirect_uri": AFTERWARDS},
        {"post_logout_redirect_uri": "https://attacker.example", "client_id": "own"},
        {"post_logout_redirect_uri": f"{AFTERWARDS}/more", "client_id": "own"},
        {"post_logout_redirect_uri": REDIRECT_URI, "client_id": "own"},
        {"id_token_hint": "a.b.c"},
        {"post_logout_redirect_uri": AFTERWARDS, "client_id": "unknown"},
    ],
)
async def test_a_log_out_leads_nowhere_else(
    client: RelyingParty, parameters: dict[str, str]
) -> None:
    if parameters.get("client_id") == "own":
        parameters = {**parameters, "client_id": client.client_id}

    refused = await client.visit("GET", "/oauth/logout", params=parameters)

    assert (refused.status, "Location" in refused.headers) == (400, False)


async def test_a_client_that_does_not_answer_is_told_again(
    client: RelyingParty, member: Client, receiver: Receiver, system: Installation
) -> None:

    receiver.answer = lambda: web.Response(status=500)
    _, tokens = await client.redeem(await client.code(member.email, PASSWORD))
    await client.visit("GET", "/oauth/logout", params={"id_token_hint": tokens["id_token"]})
    await receiver.next_calls(1)

    receiver.answer = web.Response
    await make_due(system, client.client_id)

    first, second = await receiver.next_calls(2)
    for call in (first, second):
        assert call.body.startswith(b"logout_token=")
    connection = await asyncpg.connect(system.environments["oauth"]["DATABASE_URL"])
    try:

        async def gone() -> bool:
            count = "SELECT count(*) FROM oauth.logouts WHERE client_id = $1"
            return bool(await connection.fetchval(count, client.client_id) == 0)

        await until(gone)
    finally:
        await connection.close()


async def make_due(system: Installation, client_id: str) -> None:
    """Lets the next attempt begin now, once the first is noted."""
    connection = await asyncpg.connect(system.environments["oauth"]["DATABASE_URL"])
    try:

        async def changed() -> bool:
            status = await connection.execute(
                """
                UPDATE oauth.logouts
                SET next_at = now()
                WHERE client_id = $1
                  AND next_at < now() + interval '10 seconds'
                """,
                client_id,
            )
            return bool(status == "UPDATE 1")

        await until(changed)
    finally:
        await connection.close()


async def test_what_is_left_of_an_erased_user_is_deleted(
    client: RelyingParty, system: Installation
) -> None:
    async with Client(system) as owner:
        uid = (await owner.become_member()).body["uid"]
        scopes = "openid offline_access"
        _, tokens = await client.redeem(await client.code(owner.email, PASSWORD, scope=scopes))
    identity = await asyncpg.connect(system.environments["identity"]["DATABASE_URL"])
    oauth = await asyncpg.connect(system.environments["oauth"]["DATABASE_URL"])
    try:
        count = "SELECT count(*) FROM oauth.grants WHERE uid = $1"
        assert await oauth.fetchval(count, uid) == 1
        await oauth.execute(
            """
            INSERT INTO oauth.outbox (event_id, name, record)
            VALUES (gen_random_uuid(), 'system.oauth.consent.granted', $1)
            """,
            f'{{"uid": "{uid}", "client_id": "an app", "scopes": ["openid"]}}',
        )
        await oauth.execute("SELECT pg_notify('outbox_oauth', '')")
        archived = "SELECT count(*) FROM oauth.events WHERE uid = $1"

        async def published() -> bool:
            return bool(await oauth.fetchval(archived, uid))

        await until(published)
        await identity.execute(
            """
            INSERT INTO identity.outbox (event_id, name, record)
            VALUES (gen_random_uuid(), 'system.user.erased', $1)
            """,
            f'{{"uid": "{uid}"}}',
        )
        await identity.execute("SELECT pg_notify('outbox_identity', '')")

        async def gone() -> bool:
            return bool(await oauth.fetchval(count, uid) == 0)

        await until(gone)
        assert await oauth.fetchval(archived, uid) == 0
    finally:
        await asyncio.gather(identity.close(), oauth.close())
    assert (await client.refresh(tokens["refresh_token"]))[0] == 400


async def test_a_log_in_ends_the_session_that_it_replaces(
    own_app: RelyingParty, member: Client, system: Installation
) -> None:
    def cookie() -> str:
        [each] = own_app.http.cookie_jar
        return f"{each.key}={each.value}"

    async def is_living(cookie: str) -> bool:
        headers = {"User-Agent": USER_AGENT, "Cookie": cookie}
        async with (
            aiohttp.ClientSession(system.gateway_url) as http,
            http.get("/api/v2/barong/resource/users/me", headers=headers) as got,
        ):
            return got.status == 200

    await own_app.code(member.email, PASSWORD)
    first = cookie()
    await own_app.log_in(await own_app.authorize(prompt="login"), member.email, PASSWORD)
    again = cookie()
    assert first != again
    assert not await is_living(first)
    assert await is_living(again)
    async with Client(system) as other:
        await other.become_member()
        await own_app.log_in(await own_app.authorize(prompt="login"), member.email, "wrong")
        assert await is_living(again)

        await own_app.log_in(await own_app.authorize(prompt="login"), other.email, PASSWORD)

    assert not await is_living(again)
    assert await is_living(cookie())

    replaced = cookie()
    form = {"email": member.email, "password": PASSWORD}
    page = await own_app.visit("POST", "/oauth/device/login", data=form, headers=own_app.origin)
    assert page.status == 303
    assert not await is_living(replaced)
    assert await is_living(cookie())
