"""Clients whose id is the URL of their metadata document.

Tests of attacks are named after the section of RFC 9700, or of the draft
draft-ietf-oauth-client-id-metadata-document.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import asyncpg
import jwt
import pytest
from aiohttp import web

from tests.support.client import Client
from tests.support.document_host import DocumentHost, document_host
from tests.support.own_service import installation_with
from tests.support.relying_party import REDIRECT_URI, Page, RelyingParty
from tests.support.system import PASSWORD, Installation

OTHER_URI = "https://attacker.example/callback"


@pytest.fixture(scope="module")
async def host() -> AsyncIterator[DocumentHost]:
    async with document_host() as made:
        yield made


async def authorized(system: Installation, client_id: str, **changes: str) -> Page:
    """What a browser without a session gets for an authorization request of this client."""
    async with RelyingParty(system, {"client_id": client_id}) as app:
        return await app.authorize(**changes)


async def test_a_published_client_logs_a_user_in(
    host: DocumentHost, member: Client, system: Installation
) -> None:
    url = host.publish(
        "app",
        scope="openid email offline_access",
        grant_types=["authorization_code", "refresh_token"],
    )
    async with (
        aiohttp.ClientSession(system.gateway_url) as http,
        http.get("/.well-known/oauth-authorization-server") as got,
    ):
        assert (await got.json())["client_id_metadata_document_supported"] is True
    async with RelyingParty(system, {"client_id": url}) as app:
        start = await app.authorize(scope="openid email offline_access")
        page = await app.visit("GET", start.location)
        asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)
        shown = await app.visit("GET", asked.location)
        end = await app.visit("GET", (await app.consent(asked)).location)
        status, tokens = await app.redeem(end.parameters["code"])
        refreshed, _ = await app.refresh(tokens["refresh_token"])

    assert "<strong>127.0.0.1</strong>" in page.text
    assert "A published app" in shown.text
    assert "<strong>127.0.0.1</strong>" in shown.text  # section 6.4: the host that vouches for it
    assert "<strong>app.example.com</strong>" in shown.text
    assert (status, refreshed) == (200, 200)
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["client_id"] == url
    assert host.calls.count("app") == 1  # the document is cached


async def test_consent_is_asked_each_time(
    host: DocumentHost, member: Client, system: Installation
) -> None:
    async with RelyingParty(system, {"client_id": host.publish("each-time")}) as app:
        await app.code(member.email, PASSWORD)

        again = await app.authorize()
        silent = await app.authorize(prompt="none")

    assert "consent_challenge" in again.parameters
    assert (silent.status, "Location" in silent.headers) == (400, False)


async def test_consents_and_clients_are_found_by_their_reference(
    host: DocumentHost, member: Client, registrar: Client, system: Installation
) -> None:
    url = host.publish("listed")
    async with RelyingParty(system, {"client_id": url}) as app:
        await app.code(member.email, PASSWORD)
    consents = (await member.get("resource/consents", params={"limit": "100"})).body
    mine = next(each for each in consents if each["client_id"] == url)
    path = f"admin/oauth_clients/{mine['reference']}"

    shown = await registrar.get(path)
    changed = await registrar.call("PUT", path, json={"first_party": True})
    listed = await registrar.get(f"{path}/consents")
    revoked = await member.call("DELETE", f"resource/consents/{mine['reference']}")
    after = await registrar.get(f"{path}/consents")
    deleted = await registrar.call("DELETE", path)

    assert (shown.body["client_id"], shown.body["registered_by"]) == (url, "metadata_document")
    assert (changed.status, changed.errors) == (422, ["admin.oauth_client.has_document"])
    assert [each["client_id"] for each in listed.body] == [url]
    assert (revoked.status, after.body, deleted.status) == (204, [], 204)


async def test_a_page_of_another_front_end_learns_the_hosts(
    host: DocumentHost, system: Installation, client: Client
) -> None:
    start = await authorized(system, host.publish("challenge"))

    shown = await client.get(f"identity/oauth/challenges/{start.parameters['login_challenge']}")

    assert (shown.body["client_host"], shown.body["redirect_host"]) == (
        "127.0.0.1",
        "app.example.com",
    )


async def test_a_published_client_authenticates_with_its_key_and_never_with_a_secret(
    host: DocumentHost, system: Installation
) -> None:
    url = host.publish("public")
    for given in ({"client_secret": "guessed"}, {}):
        form = {"client_id": url, "grant_type": "authorization_code", "code": "x", **given}
        async with (
            aiohttp.ClientSession(system.gateway_url) as http,
            http.post("/oauth/token", data=form) as got,
        ):
            error = "invalid_client" if given else "invalid_grant"
            assert (await got.json())["error"] == error


@pytest.mark.parametrize(
    "client_id",
    [
        "https://app.example.com",
        "https://app.example.com/a/../b",
        "https://app.example.com/a/%2e%2e/b",
        "https://app.example.com/app#fragment",
        "https://app.example.com/app?as=another",
        "https://user@app.example.com/app",
        "https://user:password@app.example.com/app",
        "http://app.example.com/app",
        "ftp://app.example.com/app",
        "https://app.example.com\\@attacker.example/app",
        "https://app.example.com/" + "a" * 1024,
        "https://[::1/app",
        "https:///app",
    ],
)
async def test_draft_3_other_urls_are_no_clients(client_id: str, system: Installation) -> None:
    refused = await authorized(system, client_id)

    assert (refused.status, "Location" in refused.headers) == (400, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://app.example.com/app"},
        {"client_id": None},
        {"client_secret": "shared"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"redirect_uris": None},
        {"redirect_uris": ["http://app.example.com/callback"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"client_name": "x" * 101},
        {"client_name": "x" * 6000},
        {"grant_types": ["client_credentials"]},
    ],
)
async def test_draft_4_1_documents_that_are_not_sound_are_refused(
    host: DocumentHost, system: Installation, changes: dict[str, Any]
) -> None:
    refused = await authorized(system, host.publish("unsound", **changes))

    assert (refused.status, "Location" in refused.headers) == (400, False)
    assert "metadata document" in refused.text


@pytest.mark.parametrize(
    "make",
    [
        lambda: web.Response(status=302, headers={"Location": "/clients/redirected"}),
        lambda: web.Response(status=404),
        lambda: web.Response(status=500),
        lambda: web.Response(text="[]", content_type="application/json"),
        lambda: web.Response(text="{", content_type="application/json"),
        lambda: web.Response(body=b"\xff", content_type="application/json"),
        lambda: web.Response(text="[" * 5000, content_type="application/json"),
        lambda: web.Response(text="{}", content_type="text/html"),
        lambda: web.Response(
            body=b"{}", content_type="application/json", headers={"Content-Encoding": "gzip"}
        ),
    ],
    ids=[
        *("redirect", "gone", "broken", "list", "no-json", "no-text", "deep", "html", "encoded"),
    ],
)
async def test_draft_4_answers_that_are_no_documents_are_refused(
    host: DocumentHost, system: Installation, make: Callable[[], web.StreamResponse]
) -> None:
    host.publish("redirected", client_id=host.url_of("no-document"))
    host.answers["no-document"] = make

    refused = await authorized(system, host.url_of("no-document"))

    assert (refused.status, "Location" in refused.headers) == (400, False)
    assert "redirected" not in host.calls


async def test_draft_6_5_addresses_of_our_own_network_are_not_called(
    host: DocumentHost, system: Installation
) -> None:
    url = host.publish("internal")
    others = {"BARONG_OAUTH_ALLOWED_NETWORKS": "192.0.2.0/24"}
    async with installation_with(system, "oauth", **others) as own:
        refused = await authorized(own, url)

    assert refused.status == 400
    assert "cannot be fetched" in refused.text
    assert "internal" not in host.calls


async def test_documents_are_off_or_of_some_hosts_only(
    host: DocumentHost, system: Installation
) -> None:
    url = host.publish("hosted")
    for settings, status in (
        ({"BARONG_OAUTH_METADATA_DOCUMENTS": "false"}, 400),
        ({"BARONG_OAUTH_METADATA_DOCUMENT_HOSTS": "other.example"}, 400),
        ({"BARONG_OAUTH_METADATA_DOCUMENT_HOSTS": "other.example, 127.0.0.1"}, 303),
    ):
        async with installation_with(system, "oauth", **settings) as own:
            assert (await authorized(own, url)).status == status
            async with (
                aiohttp.ClientSession(own.gateway_url) as http,
                http.get("/.well-known/openid-configuration") as got,
            ):
                on = "BARONG_OAUTH_METADATA_DOCUMENTS" not in settings
                assert ("client_id_metadata_document_supported" in await got.json()) is on
    assert host.calls.count("hosted") == 1


async def test_rfc_9700_4_1_a_redirect_uri_is_one_of_the_document(
    host: DocumentHost, system: Installation
) -> None:
    refused = await authorized(system, host.publish("redirects"), redirect_uri=OTHER_URI)

    assert (refused.status, "Location" in refused.headers) == (400, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "openid admin"},
        {"prompt": "none"},
        {"prompt": "unknown"},
        {"response_type": "token"},
        {"code_challenge": None, "code_challenge_method": None},
        {"request": "e30.e30."},
        {"id_token_hint": "no.id.token"},
        {"max_age": "soon"},
    ],
)
async def test_rfc_9700_4_11_2_a_client_that_nobody_trusts_sends_no_browser_anywhere(
    host: DocumentHost, system: Installation, changes: dict[str, str | None]
) -> None:
    """A link to us would lead to whatever host published a document. Users see a page instead."""
    async with RelyingParty(system, {"client_id": host.publish("redirector")}) as app:
        refused = await app.authorize(**changes)

    assert (refused.status, "Location" in refused.headers) == (400, False)


async def test_rfc_9700_4_11_2_a_challenge_made_by_others_leads_a_browser_nowhere(
    host: DocumentHost, member: Client, system: Installation
) -> None:
    """Whoever follows the link is logged in since, in another class than is asked."""
    acr = {"id_token": {"acr": {"essential": True, "value": "never"}}}
    async with RelyingParty(system, {"client_id": host.publish("prepared")}) as attacker:
        prepared = await attacker.authorize(claims=json.dumps(acr))
        challenge = prepared.parameters["login_challenge"]
    async with RelyingParty(system, {"client_id": host.publish("innocent")}) as victim:
        await victim.code(member.email, PASSWORD)
        led = await victim.visit("GET", "/oauth/authorize/resume", params={"challenge": challenge})

    assert (led.status, "Location" in led.headers) == (400, False)


async def test_a_user_who_refuses_goes_back_to_the_client(
    host: DocumentHost, member: Client, system: Installation
) -> None:
    async with RelyingParty(system, {"client_id": host.publish("refused")}) as app:
        start = await app.authorize()
        asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)
        back = await app.consent(asked, "refuse")

    assert back.location.startswith(REDIRECT_URI)
    assert back.parameters["error"] == "access_denied"


async def test_rfc_9700_4_5_a_code_of_one_client_is_nothing_to_another_of_the_same_host(
    host: DocumentHost, member: Client, system: Installation
) -> None:
    one, other = host.publish("one"), host.publish("other")
    async with RelyingParty(system, {"client_id": one}) as app:
        code = await app.code(member.email, PASSWORD)
        app.client_id = other
        status, refused = await app.redeem(code)

    assert (status, refused["error"]) == (400, "invalid_grant")


async def test_a_document_is_fetched_again_when_it_has_expired(
    host: DocumentHost, member: Client, system: Installation
) -> None:
    url = host.publish("changing", headers={"Cache-Control": "max-age=0"})
    async with RelyingParty(system, {"client_id": url}) as app:
        waiting = await app.authorize()
        await expire(system, url)
        host.publish("changing", redirect_uris=[OTHER_URI])

        refused = await app.authorize()
        # The request that waits came with a redirect URI that the client has no more.
        gone = await app.log_in(waiting, member.email, PASSWORD)

        await expire(system, url)
        del host.answers["changing"]
        status, body = await app.redeem("x")
        host.answers["changing"] = lambda: web.Response(status=500)
        unreachable, _ = await app.redeem("x")

    assert (refused.status, gone.status) == (400, 404)
    assert (status, body["error"]) == (401, "invalid_client")
    assert unreachable == 503  # its host may be back soon
    assert host.calls.count("changing") == 4


async def test_when_too_many_are_stored_the_oldest_without_tokens_gives_way(
    host: DocumentHost, system: Installation
) -> None:
    old = host.publish("old")
    await authorized(system, old)
    full = {"BARONG_OAUTH_METADATA_DOCUMENT_CLIENTS": "1"}
    async with installation_with(system, "oauth", **full) as own:
        await expire(system, old, days=1000)
        one = await authorized(own, host.publish("one-more"))
        # What is left was fetched a moment ago, or has tokens.
        while (another := await authorized(own, host.publish("another"))).status != 400:
            await sql(
                system, "DELETE FROM oauth.clients WHERE client_id = $1", host.url_of("another")
            )

    assert one.status == 303
    assert "too many" in another.text


async def expire(system: Installation, url: str, days: int = 1) -> None:
    """Makes the stored document of a client old."""
    await sql(
        system,
        """
        UPDATE oauth.clients
        SET document_ends_at = now(), document_fetched_at = now() - make_interval(days => $2)
        WHERE client_id = $1
        """,
        url,
        days,
    )


async def sql(system: Installation, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(system.environments["oauth"]["DATABASE_URL"])
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
