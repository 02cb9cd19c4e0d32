"""console-svc without the API, switched off, and with a theme and a language of an operator."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from console_svc.app import create_app
from console_svc.settings import ConsoleSettings
from deploy.local import ports
from shared.process import running
from shared.settings import SettingsError, load_settings
from tests.support.aiohttp_app import serving
from tests.support.client import Client
from tests.support.pages import Pages
from tests.support.replicas import gateway_of
from tests.support.system import ROOT, Installation
from tests.support.waiting import until

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


async def language_of(pages: Pages) -> str:
    """The language in the member's own record, by which mails are written."""
    async with pages.http.get("/api/v2/barong/resource/users/me") as answer:
        return str(json.loads((await answer.json())["data"])["language"])


async def test_a_member_s_mails_follow_the_language_of_the_pages(
    system: Installation, pages: Pages
) -> None:
    await pages.sign_up()
    assert await language_of(pages) == "en"
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},  # a link of somebody else
        {"Sec-Fetch-Site": "none"},  # a link in a mail
        {"Referer": "https://elsewhere.example/account"},
        {"Referer": "http://[/"},
        {},
    ):
        shown = await pages.get("/account?lang=de", headers=headers)
        assert '<html lang="de"' in shown.html
        assert await language_of(pages) == "en"
    here = {"Sec-Fetch-Site": "same-origin"}
    assert (await pages.get("/account?lang=de", headers=here)).status == 200
    assert await language_of(pages) == "de"
    mail = system.mail / f"{quote(pages.email, safe='@')}.eml"
    await pages.fill_in("/account/confirmation-mail", email=pages.email)

    async def german() -> bool:
        return "lang=3Dde" in mail.read_text().replace("=\n", "")

    assert await until(german)
    back = {"Referer": f"{system.gateway_url}/account"}
    await pages.get("/account?lang=en", headers=back)
    assert await language_of(pages) == "en"


async def test_what_a_front_end_keeps_of_a_member_stays(system: Installation, pages: Pages) -> None:
    async with Client(system) as member:
        await member.become_member()
        await pages.log_in(member.email)
        for data, kept in (
            ('{"theme": "dark", "language": "en"}', {"theme": "dark", "language": "de"}),
            ('["no object"]', ["no object"]),
        ):
            assert (await member.call("PUT", "resource/users/me", {"data": data})).status == 200
            here = {"Sec-Fetch-Site": "same-origin"}
            assert (await pages.get("/account?lang=de", headers=here)).status == 200
            me = (await member.get("resource/users/me")).body
            assert json.loads(me["data"]) == kept


@pytest.mark.parametrize(
    "path", ["/account/data/export", "/console/activities/users/export?format=csv"]
)
async def test_exports_tell_why_they_are_refused(path: str) -> None:
    known: dict[str, Any] = {
        "identity/sessions": {"csrf_token": "x"},
        "resource/users/me": {"uid": "ID1", "email": "a@example.com", "role": "admin"},
        "admin/abilities": [],
    }
    refusals: list[web.Response] = []

    async def gateway(request: web.Request) -> web.Response:
        """Stands in for the gateway, which knows the visitor and refuses the export."""
        operation = request.path.removeprefix("/api/v2/barong/")
        return web.json_response(known[operation]) if operation in known else refusals.pop()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway)
    async with serving(app) as url, console(BARONG_GATEWAY_URL=url) as http:

        async def asked(
            status: int, code: str, **headers: str
        ) -> tuple[int, str, Mapping[str, str]]:
            refusals.append(web.json_response({"errors": [code]}, status=status, headers=headers))
            cookie = {"Cookie": "_barong_session=x"}
            async with http.get(path, headers=cookie, allow_redirects=False) as answer:
                return answer.status, await answer.text(), answer.headers

        status, text, headers = await asked(429, "request.throttled", **{"Retry-After": "17"})
        assert (status, headers["Retry-After"]) == (429, "17")
        assert "Too many attempts." in text
        status, text, headers = await asked(503, "server.unavailable")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert "Part of the system is down." in text
        status, text, _ = await asked(422, "admin.activity.invalid_range")
        assert (status, "The period is not valid." in text) == (422, True)
        status, _, headers = await asked(
            401,
            "authz.insufficient_user_authentication",
            **{"WWW-Authenticate": 'Bearer error="x", acr_values="aal2"'},
        )
        there = URL(headers["Location"])
        assert (status, there.path) == (303, "/account/verification")
        assert dict(there.query) == {"next": path, "acr": "aal2"}


async def test_a_whitelink_is_a_link_that_works_for_whom_a_restriction_keeps_out(
    system: Installation, admin: Client
) -> None:
    form = {"category": "blacklist", "scope": "ip_subnet", "value": "198.51.100.192/28"}
    made = await admin.post("admin/restrictions", {**form, "state": "enabled"})
    assert made.status == 201
    link = await admin.post("admin/restrictions/whitelink", {"expire_time": "1", "range": "hour"})
    token = link.body["whitelink_token"]
    async with Pages(system, **{"X-Forwarded-For": "198.51.100.193"}) as outside:

        async def kept_out() -> bool:
            return (await outside.get("/account/log-in")).status >= 400

        assert await until(kept_out)
        wrong = await outside.fill_in("/accounts/access?whitelink_token=wrong")
        assert (wrong.status, "does not work any more" in wrong.text) == (422, True)
        let_in = await outside.fill_in(f"/accounts/access?whitelink_token={token}")
        assert "Your address is let in." in let_in.text

        async def inside() -> bool:
            return (await outside.get("/account/log-in")).status == 200

        assert await until(inside)
    await admin.call("DELETE", "admin/restrictions", {"id": made.body["id"]})
    for rule in (await admin.get("admin/restrictions", params={"limit": "100"})).body:
        if rule["value"] == "198.51.100.193":
            await admin.call("DELETE", "admin/restrictions", {"id": rule["id"]})
