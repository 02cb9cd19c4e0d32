"""Sessions in browsers: several tabs, several cookies, two address families."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from shared.contracts.services import GATEWAY, RESOURCE
from tests.support.api_keys import Key
from tests.support.client import USER_AGENT, Client
from tests.support.internal import identity_of, tables_of_identity
from tests.support.system import Installation

SESSION = "identity/sessions"
ME = "resource/users/me"
LABELS = "resource/labels"
INVALID = (401, ["authz.invalid_session"])
MISMATCH = (401, ["authz.client_session_mismatch"])


async def called(
    client: Client, method: str, path: str, cookies: str, **headers: str
) -> tuple[int, Any]:
    """Status and body, or its error codes, of a call with exactly these cookies."""
    sent = {"User-Agent": USER_AGENT, "Cookie": cookies, **headers}
    url = f"{client.system.gateway_url}/api/v2/barong/{path}"
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request(method, url, headers=sent) as got,
    ):
        text = await got.text()
        body = json.loads(text) if text else {}
        return got.status, body.get("errors", body)


def cookie_of(client: Client) -> str:
    return f"_barong_session={client.cookie}"


async def test_a_second_tab_uses_the_same_session(client: Client) -> None:
    login = await client.become_member()
    token = login.body["csrf_token"]
    client.csrf_token = ""
    shown = await client.get(SESSION)
    assert (shown.status, shown.body["csrf_token"], shown.body["current"]) == (200, token, True)
    assert "no-store" in shown.headers["Cache-Control"]
    listed = await client.get("resource/sessions")
    own = next(each for each in listed.body if each["current"])
    assert shown.body.items() >= own.items()
    assert shown.body.keys() - own.keys() == {"csrf_token", "acr", "amr", "auth_time"}
    label = await client.post(LABELS, {"key": "color", "value": "blue"})
    assert label.status == 201


async def test_head_shows_that_there_is_a_session(client: Client) -> None:
    await client.become_member()
    assert (await called(client, "HEAD", SESSION, cookie_of(client)))[0] == 200
    assert (await called(client, "HEAD", SESSION, "_barong_session=x"))[0] == 401


async def test_without_the_cookie_there_is_no_csrf_token(
    client: Client, program: Client, key: Key
) -> None:
    form = {"email": client.email, "password": "x"}
    assert (await program.post(SESSION, form)).status == 401
    refused = await program.get(SESSION)
    assert (refused.status, refused.errors) == INVALID
    signed = await program.get(SESSION, headers=key.signed())
    assert (signed.status, signed.errors) == (404, ["identity.session.not_found"])


async def test_a_bearer_gets_its_session(client: Client, program: Client) -> None:
    await client.become_member()
    bearer = (await client.log_in()).headers["Authorization"]
    shown = await program.get(SESSION, headers={"Authorization": bearer})
    assert (shown.status, shown.body["csrf_token"]) == (200, None)


async def test_an_older_session_has_no_csrf_token(client: Client, system: Installation) -> None:
    uid = (await client.become_member()).body["uid"]
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE sessions SET csrf_digest = 'older' WHERE uid = $1", uid)
    shown = await client.get(SESSION)
    assert (shown.status, shown.body["csrf_token"]) == (200, None)


async def test_of_two_cookies_the_csrf_token_of_the_effective_session_is_returned(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    async with Client(system) as other:
        await other.become_member()
        cookies = f"{cookie_of(client)}; {cookie_of(other)}"
        _, shown = await called(client, "GET", SESSION, cookies)
        assert shown["csrf_token"] == client.csrf_token


@pytest.mark.parametrize("pattern", ["{}; {}", "{1}; {0}", "a=b; {}; {}"])
async def test_any_valid_cookie_counts(client: Client, pattern: str) -> None:
    await client.become_member()
    cookies = pattern.format("_barong_session=dead", cookie_of(client))
    assert (await called(client, "GET", ME, cookies))[0] == 200
    form = {"X-CSRF-Token": client.csrf_token}
    assert (await called(client, "DELETE", f"{LABELS}/none", cookies, **form))[0] == 404
    dead = "_barong_session=a; _barong_session=b"
    assert await called(client, "GET", ME, dead) == INVALID


async def test_the_csrf_token_selects_among_two_valid_sessions(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    async with Client(system) as other:
        await other.become_member()
        cookies = f"{cookie_of(client)}; {cookie_of(other)}"
        for token in (client.csrf_token, other.csrf_token):
            headers = {"X-CSRF-Token": token}
            assert (await called(client, "DELETE", f"{LABELS}/none", cookies, **headers))[0] == 404


async def test_a_log_out_ends_the_sessions_of_all_cookies(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    async with Client(system) as other:
        other.email = client.email
        await other.log_in()
        cookies = f"_barong_session=dead; {cookie_of(client)}; {cookie_of(other)}"
        assert (await called(client, "DELETE", SESSION, cookies))[0] == 204
        for cookie in (cookie_of(client), cookie_of(other)):
            assert await called(client, "GET", ME, cookie) == INVALID
        assert (await called(client, "DELETE", SESSION, cookies))[0] == 404


async def test_another_scheme_beside_a_cookie_is_ignored(client: Client) -> None:
    await client.become_member()
    headers = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert (await called(client, "GET", ME, cookie_of(client), **headers))[0] == 200
    assert await called(client, "GET", ME, "a=b", **headers) == INVALID


async def test_a_session_continues_in_the_first_network_of_the_other_family(client: Client) -> None:
    await client.become_member()
    cookie = cookie_of(client)
    for address in ("2001:db8:0:1::1", "127.0.0.2", "[2001:db8:0:1:ffff::2]:443", "127.0.9.9:1"):
        status, body = await called(client, "GET", ME, cookie, **{"X-Forwarded-For": address})
        assert status == 200, (address, body)
    moved = {"X-Forwarded-For": "2001:db8:0:2::1"}
    assert await called(client, "GET", ME, cookie, **moved) == MISMATCH
    assert await called(client, "GET", ME, cookie) == INVALID


async def test_of_many_concurrent_first_networks_one_is_added(
    client: Client,
) -> None:
    uid = (await client.become_member()).body["uid"]
    async with identity_of(client.system, RESOURCE) as identity:
        sid = (await identity.sessions(uid))[0]["sid"]
    async with identity_of(client.system, GATEWAY) as gateway:
        addresses = [f"2001:db8:0:{number}::1" for number in range(20)]
        bound = await asyncio.gather(*(gateway.take_in_network(sid, each) for each in addresses))
        assert len({session.other_network for session in bound}) == 1
        again = await gateway.take_in_network(sid, "198.51.100.1")
    assert (again.network, again.other_network) == ("127.0.0.0/16", bound[0].other_network)


async def test_a_browsers_update_does_not_end_the_session(client: Client) -> None:
    await client.become_member()
    cookie = cookie_of(client)
    updated = USER_AGENT.replace("109.0", "121.0").replace("115.0", "121.0")
    assert updated != USER_AGENT
    assert (await called(client, "GET", ME, cookie, **{"User-Agent": updated}))[0] == 200
    assert await called(client, "GET", ME, cookie, **{"User-Agent": "curl/8"}) == MISMATCH
