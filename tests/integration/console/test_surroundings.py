"""console-svc without the API, switched off, and with a theme and a language of an operator."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from console_svc.app import create_app
from console_svc.settings import ConsoleSettings
from deploy.local import ports
from shared.process import running
from shared.settings import SettingsError, load_settings
from tests.support.pages import Pages
from tests.support.replicas import gateway_of
from tests.support.system import ROOT, Installation

CONFIG = str(ROOT / "deploy" / "config")


@asynccontextmanager
async def console(**settings: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A console-svc of the test's own; by default nothing listens where it expects the gateway."""
    (nobody,) = ports.free_ports(1)
    given = {
        "BARONG_CONFIG_DIR": CONFIG,
        "BARONG_PORT": "0",
        "BARONG_INTERNAL_PORT": "0",
        "BARONG_TRUSTED_PROXIES": "127.0.0.0/8",
        "BARONG_GATEWAY_URL": f"http://127.0.0.1:{nobody}",
        **settings,
    }
    async with (
        running(create_app(load_settings(ConsoleSettings, given))) as addresses,
        aiohttp.ClientSession(addresses.public) as http,
    ):
        yield http


async def test_without_the_gateway_pages_say_so() -> None:
    async with console() as http:
        for headers in ({}, {"Cookie": "_barong_session=x"}):
            async with http.get("/account/log-in", headers=headers) as answer:
                text = await answer.text()
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
                assert "Part of the system is down." in text
                assert answer.headers["X-Request-Id"] in text
        async with http.get("/accounts/confirmation?confirmation_token=x") as answer:
            assert answer.status == 200  # it needs nobody


async def test_switched_off_it_serves_nothing() -> None:
    async with console(BARONG_CONSOLE="false") as http:
        for path in ("/account", "/account/log-in", "/console", "/console-static/0/pages.css", "/"):
            async with http.get(path) as answer:
                assert answer.status == 404
                assert await answer.json() == {"error": "Route is not found"}


async def test_switched_off_the_gateway_knows_no_page(system: Installation) -> None:
    async with (
        gateway_of(system, BARONG_CONSOLE="false") as changed,
        aiohttp.ClientSession(changed.gateway_url) as http,
    ):
        for path in (
            "/account",
            "/accounts/confirmation",
            "/console",
            "/console-static/0/pages.css",
        ):
            async with http.get(path) as answer:
                assert (answer.status, await answer.json()) == (
                    404,
                    {"error": "Route is not found"},
                )


async def test_without_console_svc_pages_get_503(system: Installation) -> None:
    (nobody,) = ports.free_ports(1)
    url = f"http://127.0.0.1:{nobody}"
    async with (
        gateway_of(system, BARONG_CONSOLE_URL=url) as changed,
        aiohttp.ClientSession(changed.gateway_url) as http,
    ):
        async with http.get("/account/log-in") as answer:
            assert answer.status == 503
            assert "Retry-After" in answer.headers
        async with http.get("/api/v2/barong/identity/time") as answer:
            assert answer.status == 200


async def test_a_theme_replaces_style_and_logo(tmp_path: Path) -> None:
    (tmp_path / "theme.css").write_text(":root { --accent: #123456; }")
    async with console(BARONG_CONSOLE_THEME_DIR=str(tmp_path)) as http:
        async with http.get("/accounts/confirmation") as answer:
            address = re.search(r'"(/console-static/[^"]+/theme\.css)"', await answer.text())
        assert address is not None
        async with http.get(address[1]) as answer:
            assert "#123456" in await answer.text()
            assert "immutable" in answer.headers["Cache-Control"]
        async with http.get("/console-static/0/theme.css") as answer:
            assert answer.headers["Cache-Control"] == "no-cache"


async def test_a_folder_adds_a_language(tmp_path: Path) -> None:
    (tmp_path / "fr.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Confirm your address"\nmsgstr "Confirmez votre adresse"\n'
    )
    async with console(BARONG_CONSOLE_LANGUAGES_DIR=str(tmp_path)) as http:
        for headers, query in (({"Accept-Language": "fr-CA, en;q=0.5"}, ""), ({}, "?lang=fr")):
            async with http.get(f"/accounts/confirmation{query}", headers=headers) as answer:
                text = await answer.text()
                assert '<html lang="fr"' in text
                assert "Confirmez votre adresse" in text
                assert "Press the button" in text  # without a translation


@pytest.mark.parametrize(
    ("variable", "content"),
    [("BARONG_CONSOLE_LANGUAGES_DIR", 'msgid "x\n'), ("BARONG_CONSOLE_THEME_DIR", "")],
)
def test_faults_of_an_operator_s_files_are_told(
    tmp_path: Path, variable: str, content: str
) -> None:
    if content:
        (tmp_path / "fr.po").write_text(content)
    given = {"BARONG_CONFIG_DIR": CONFIG, variable: str(tmp_path)}
    with pytest.raises(SettingsError) as caught:
        create_app(load_settings(ConsoleSettings, given))
    assert str(tmp_path) in str(caught.value)


async def test_a_language_is_chosen_and_kept(pages: Pages) -> None:
    german = await pages.get("/account/log-in?lang=de&next=/account/phones")
    assert "Anmelden" in german.text
    assert german.form("/account/log-in").fields["next"] == "/account/phones"
    assert "Passwort vergessen" in (await pages.get("/account/forgotten-password")).text
    unknown = await pages.get("/account/log-in?lang=xx")
    assert '<html lang="de"' in unknown.html
