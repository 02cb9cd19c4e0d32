"""Relying parties of others log a user in, against the running system."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.interop.oauth.programs import PROGRAMS, SECONDS, logged_in, openid_client, started
from tests.support.client import Client
from tests.support.device import DEVICE_CODE, Person
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation

SCOPE = "openid email offline_access resource"


@pytest.fixture(params=["client_secret_basic", "none"])
async def party(request: pytest.FixtureRequest, registrar: Client) -> AsyncIterator[RelyingParty]:
    """A confidential client, and a public one; the user's browser consents for both."""
    async with await RelyingParty.register(
        registrar,
        authentication=request.param,
        scopes=SCOPE.split(),
        post_logout_redirect_uris=[REDIRECT_URI],
    ) as made:
        yield made


async def came_back(party: RelyingParty, member: Client, start: str) -> str:
    """The callback at the end of what the user's browser goes through."""
    page = await party.visit("GET", start)
    while not page.location.startswith(REDIRECT_URI):
        if "login_challenge" in page.parameters:
            page = await party.fill_in(page, member.email, PASSWORD)
        elif "consent_challenge" in page.parameters:
            page = await party.consent(page)
        else:
            page = await party.visit("GET", page.location)
    return page.location


@pytest.mark.parametrize(
    ("name", "dpop"), [*((name, False) for name in PROGRAMS), ("openid-client", True)]
)
async def test_a_program_of_others_logs_a_user_in(
    name: str, dpop: bool, party: RelyingParty, member: Client, system: Installation
) -> None:
    command = PROGRAMS[name]()
    if isinstance(command, str):
        pytest.skip(command)
    given = {
        "issuer": system.gateway_url,
        "client_id": party.client_id,
        "secret": party.secret or "",
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "dpop": dpop,
    }
    result = await logged_in(command, given, partial(came_back, party, member))
    assert result["user"]["sub"] == result["sub"]
    assert result["user"]["email"] == member.email
    if name == "go-oidc":
        assert result["refreshed"] is True
        return
    assert result["type"] == ("dpop" if dpop else "bearer")
    assert result["called"] == {"status": 200, "uid": result["sub"]}
    assert result["reused"] == "invalid_grant"
    if party.secret:
        assert (result["shown"], result["after"]) == (True, False)
    ended = await party.visit("GET", result["end"])
    assert ended.location == REDIRECT_URI


@pytest.mark.parametrize(
    ("action", "dpop"), [("accept", False), ("accept", True), ("refuse", False)]
)
async def test_a_device_of_others_gets_what_its_user_answers(
    action: str, dpop: bool, registrar: Client, member: Client, system: Installation
) -> None:
    command = openid_client("device.mjs")
    if isinstance(command, str):
        pytest.skip(command)
    async with await RelyingParty.register(
        registrar,
        authentication="none",
        redirect_uris=[],
        scopes=SCOPE.split(),
        grant_types=[DEVICE_CODE, "refresh_token"],
    ) as party:
        given = {
            "issuer": system.gateway_url,
            "client_id": party.client_id,
            "scope": SCOPE,
            "dpop": dpop,
        }
        program = await started(command, given)
        assert program.stdout is not None
        try:
            async with asyncio.timeout(SECONDS):
                begun = json.loads(await program.stdout.readline())
                person = Person(party, member.email)
                answered = await person.respond(await person.request(begun), action)
                assert answered.status == 200
                line, said = await program.communicate()
        finally:
            if program.returncode is None:
                program.kill()
    assert program.returncode == 0, said.decode()
    result = json.loads(line)
    if action == "refuse":
        assert result == {"error": "access_denied"}
        return
    assert result["user"]["sub"] == result["sub"]
    assert (result["user"]["email"], result["refreshed"]) == (member.email, True)
    assert result["type"] == ("dpop" if dpop else "bearer")


async def test_authlib_logs_a_user_in(
    party: RelyingParty, member: Client, system: Installation
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a release to come
        from authlib.integrations.requests_client import OAuth2Session
    issuer = system.gateway_url
    session = OAuth2Session(
        party.client_id,
        party.secret,
        scope=SCOPE,
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if party.secret else "none",
    )
    verifier = "v" * 64
    start, state = session.create_authorization_url(
        f"{issuer}/oauth/authorize", code_verifier=verifier, nonce="n"
    )

    callback = await came_back(party, member, start)
    tokens = await asyncio.to_thread(
        session.fetch_token,
        f"{issuer}/oauth/token",
        authorization_response=callback,
        state=state,
        code_verifier=verifier,
    )
    answer = await asyncio.to_thread(session.get, f"{issuer}/oauth/userinfo")
    again = await asyncio.to_thread(
        session.refresh_token, f"{issuer}/oauth/token", tokens["refresh_token"]
    )

    assert answer.json()["email"] == member.email
    assert again["refresh_token"] != tokens["refresh_token"]
