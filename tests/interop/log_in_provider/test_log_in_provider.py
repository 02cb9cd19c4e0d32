"""Log-ins by oidc-provider, a certified OpenID provider, through the pages of console-svc."""

import asyncio
import html
import json
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest
import yaml

from tests.interop.programs import files_in, in_node
from tests.support.client import Client
from tests.support.openid_provider import settings_of
from tests.support.own_service import pages_of
from tests.support.pages import Pages, Shown
from tests.support.system import Installation

pytestmark = pytest.mark.xdist_group("machine")

HERE = Path(__file__).parent
SECONDS = 60
LOG_IN, START, LINKED = (
    "/account/log-in",
    "/account/log-in/provider",
    "/account/linked-accounts",
)
BACK = "http://localhost:8080/account/log-in/provider/example"
SECRET = secrets.token_urlsafe(32)


@asynccontextmanager
async def issuer_of_others(authentication: str) -> AsyncIterator[str]:
    """The issuer of a running oidc-provider; skips the test where it cannot be had."""
    files = files_in(HERE, "package.json", "package-lock.json", "provider.mjs")
    command = await asyncio.to_thread(in_node, "log-in-provider", files, "provider.mjs")
    if isinstance(command, str):
        pytest.skip(command)
    client = {
        "client_id": "barong",
        "client_secret": SECRET,
        "redirect_uris": [BACK],
        "token_endpoint_auth_method": authentication,
    }
    program = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "CLIENT": json.dumps(client)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert program.stdout is not None
        line = b""
        async with asyncio.timeout(SECONDS):
            while not line.startswith(b"{"):
                line = await program.stdout.readline()
                assert line, "oidc-provider has ended"
        yield json.loads(line)["issuer"]
    finally:
        program.kill()
        await program.wait()


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[str]:
    async with issuer_of_others("client_secret_basic") as made:
        yield made


@pytest.fixture(scope="module")
async def mine(
    system: Installation, issuer: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The system with this provider."""
    folder = tmp_path_factory.mktemp("providers")
    (folder / "secret").write_text(SECRET)
    entry = {
        "name": "example",
        "label": "Example",
        "issuer": issuer,
        "client_id": "barong",
        "client_secret_file": str(folder / "secret"),
        "redirect_uri": BACK,
    }
    file = folder / "providers.yaml"
    file.write_text(yaml.safe_dump({"providers": [entry]}))
    async with pages_of(system, **settings_of(file)) as made:
        yield made


@pytest.fixture
async def pages(mine: Installation) -> AsyncIterator[Pages]:
    async with Pages(mine) as made:
        yield made


async def at_provider(question: str, person: str) -> str:
    """The address at which somebody arrives who logs in at the provider, and allows it."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        method, url, form = "GET", question, None
        for _ in range(20):
            async with browser.request(method, url, data=form, allow_redirects=False) as answer:
                text = await answer.text()
                location = answer.headers.get("Location")
            if location is not None:
                method, url, form = "GET", urljoin(url, location), None
                if url.startswith(BACK):
                    return url
                continue
            assert answer.status == 200, text
            action = re.search(r'<form[^>]* action="([^"]*)"', text)
            assert action is not None, text
            hidden = re.findall(r'name="([^"]*)" value="([^"]*)"', text)
            form = {name: html.unescape(value) for name, value in hidden}
            if form.get("prompt") == "login":
                form |= {"login": person, "password": "any"}
            method, url = "POST", urljoin(url, html.unescape(action[1]))
    raise AssertionError(f"no end of redirects: {url}")


async def logged_in(pages: Pages, person: str, page: str = LOG_IN, action: str = START) -> Shown:
    """What the browser shows at the end of a log-in, or of a link."""
    form = (await pages.get(page)).form(action)
    shown = await pages.post(action, {**form.fields, "provider": "example"})
    refresh = re.search(r'content="0; url=([^"]*)"', shown.html)
    assert refresh is not None, shown.text
    arrived = urlsplit(await at_provider(html.unescape(refresh[1]), person))
    return await pages.get(f"{arrived.path}?{arrived.query}")


def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def test_a_new_user_signs_up_by_the_provider_and_logs_in_again(
    pages: Pages, mine: Installation
) -> None:
    person = address()
    shown = await logged_in(pages, person, f"{LOG_IN}?next=/account/sessions")
    assert (shown.status, shown.url.path) == (200, "/account/sessions")
    assert person in shown.text
    async with Pages(mine) as elsewhere:
        again = await logged_in(elsewhere, person)
        assert (again.url.path, person in again.text) == ("/account", True)
        assert "Example" in (await elsewhere.get(LINKED)).text


async def test_who_is_a_member_is_linked_by_a_verified_address(
    client: Client, pages: Pages
) -> None:
    await client.become_member()
    shown = await logged_in(pages, client.email)
    assert (shown.url.path, client.email in shown.text) == ("/account", True)


async def test_an_address_that_is_not_verified_is_linked_by_its_user_alone(
    client: Client, pages: Pages, mine: Installation
) -> None:
    person = f"unverified-{address()}"
    refused = await logged_in(pages, person)
    assert refused.status == 422
    assert "did not verify your e-mail address" in refused.text
    await client.become_member()
    await pages.log_in(client.email)
    shown = await logged_in(pages, person, LINKED, LINKED)
    assert "The account is linked." in shown.text
    async with Pages(mine) as elsewhere:
        again = await logged_in(elsewhere, person)
        assert (again.url.path, client.email in again.text) == ("/account", True)
