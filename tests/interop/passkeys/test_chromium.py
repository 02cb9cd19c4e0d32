"""Passkeys in Chromium, with virtual authenticators (WebAuthn Level 3, 11)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import CDPSession, Error, Page
from yarl import URL

from tests.interop.chromium import running_chromium
from tests.support.aiohttp_app import serving
from tests.support.client import Client
from tests.support.own_service import client_of
from tests.support.system import Installation

pytestmark = pytest.mark.xdist_group("browser")

SECONDS = 60
CREATE = """async (asked) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
  return (await navigator.credentials.create({publicKey})).toJSON();
}"""
GET = """async (asked) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  return (await navigator.credentials.get({publicKey})).toJSON();
}"""
PASSKEYS, LOG_IN = "resource/passkeys", "identity/sessions/passkey"


@pytest.fixture(scope="module")
async def origin() -> AsyncIterator[str]:
    """The origin of a page at localhost, which browsers take for secure."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<!DOCTYPE html><title>Passkeys</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    async with serving(app) as url:
        yield f"http://localhost:{URL(url).port}"


@pytest.fixture
async def page(origin: str) -> AsyncIterator[Page]:
    async with running_chromium() as browser:
        made = await browser.new_page()
        made.set_default_timeout(SECONDS * 1000)
        await made.goto(origin)
        yield made


@pytest.fixture
async def member(system: Installation, origin: str) -> AsyncIterator[Client]:
    """A member who has just logged in; passkeys are bound to the page's origin."""
    async with client_of(system, "identity", BARONG_PASSKEY_ORIGINS=origin) as made:
        await made.become_member()
        assert (await made.log_in()).status == 201
        yield made


async def virtual_authenticator(page: Page, **options: Any) -> tuple[CDPSession, str]:
    """An authenticator that is part of the device; its user is always verified by default."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    usual = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**usual, **options}})
    return cdp, made["authenticatorId"]


async def asked(client: Client, path: str) -> Any:
    answer = await client.post(f"{path}/options")
    assert answer.status == 201, answer
    return answer.body["publicKey"]


async def sent(client: Client, path: str, credential: Any) -> tuple[int, Any]:
    answer = await client.post(path, json={"credential": credential})
    return answer.status, answer.body


async def test_a_passkey_of_chromium_logs_in_and_is_found_when_cloned(
    page: Page, member: Client
) -> None:
    cdp, authenticator = await virtual_authenticator(page)
    created = await page.evaluate(CREATE, await asked(member, PASSKEYS))
    status, passkey = await sent(member, PASSKEYS, created)
    assert (status, passkey["backup_eligible"]) == (201, False)
    for _ in range(2):
        status, user = await sent(
            member, LOG_IN, await page.evaluate(GET, await asked(member, LOG_IN))
        )
        assert (status, user["email"]) == (201, member.email)
    verify = "resource/sessions/verify/passkey"
    status, shown = await sent(
        member, verify, await page.evaluate(GET, await asked(member, verify))
    )
    assert (status, shown["acr"]) == (201, "phr")

    held = await cdp.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})
    [credential] = held["credentials"]
    assert credential["signCount"] > 1
    reference = {"authenticatorId": authenticator}
    await cdp.send(
        "WebAuthn.removeCredential", {**reference, "credentialId": credential["credentialId"]}
    )
    copy = {**credential, "signCount": 1}  # as it was copied after its first use
    await cdp.send("WebAuthn.addCredential", {**reference, "credential": copy})
    cloned = await page.evaluate(GET, await asked(member, LOG_IN))
    assert await sent(member, LOG_IN, cloned) == (422, {"errors": ["passkey.cloned"]})


async def test_a_passkey_that_is_backed_up_is_known_as_such(page: Page, member: Client) -> None:
    await virtual_authenticator(page, defaultBackupEligibility=True, defaultBackupState=True)
    created = await page.evaluate(CREATE, await asked(member, PASSKEYS))
    status, passkey = await sent(member, PASSKEYS, created)
    assert (status, passkey["backup_eligible"], passkey["backed_up"]) == (201, True, True)
    with pytest.raises(Error, match="InvalidStateError"):  # this authenticator has one already
        await page.evaluate(CREATE, await asked(member, PASSKEYS))


async def test_who_is_not_verified_makes_no_passkey(page: Page, member: Client) -> None:
    """A key without PIN or fingerprint: the browser refuses it, and so do we."""
    await virtual_authenticator(
        page, transport="usb", hasUserVerification=False, isUserVerified=False
    )
    with pytest.raises(Error, match="NotAllowedError"):
        await page.evaluate(CREATE, await asked(member, PASSKEYS))
    unasked = {
        "authenticatorSelection": {"residentKey": "discouraged", "userVerification": "discouraged"}
    }
    created = await page.evaluate(CREATE, await asked(member, PASSKEYS) | unasked)
    refusal = (422, {"errors": ["passkey.user_not_verified"]})
    assert await sent(member, PASSKEYS, created) == refusal


async def test_another_page_is_refused(page: Page, member: Client, system: Installation) -> None:
    """The same domain at another port is another origin, for which the browser signs, too."""
    await virtual_authenticator(page)
    other = "https://localhost"
    async with client_of(system, "identity", BARONG_PASSKEY_ORIGINS=other) as elsewhere:
        elsewhere.email = member.email
        assert (await elsewhere.log_in()).status == 201
        created = await page.evaluate(CREATE, await asked(elsewhere, PASSKEYS))
        refusal = (422, {"errors": ["passkey.invalid_origin"]})
        assert await sent(elsewhere, PASSKEYS, created) == refusal
