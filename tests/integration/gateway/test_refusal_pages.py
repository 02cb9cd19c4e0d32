"""The gateway's own refusals, as people meet them at the pages of the console."""

import base64
import hashlib
import re
from collections.abc import Mapping

import aiohttp

from deploy.local import ports
from tests.support.client import USER_AGENT, Client
from tests.support.replicas import gateway_of
from tests.support.system import Installation
from tests.support.waiting import until

BROWSER = {
    "User-Agent": USER_AGENT,
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9",
}
PROGRAM = {"Accept": "*/*"}


def judge(text: str, headers: Mapping[str, str]) -> None:
    """A page that says its request id, runs nothing, and is kept nowhere."""
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Request-Id"] in text
    assert headers["Cache-Control"] == "no-store"
    assert headers["Vary"] == "Accept, Accept-Language"
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert "<script" not in text
    assert len(text) < 2_000


async def test_pages_that_are_down_say_so(system: Installation) -> None:
    (nobody,) = ports.free_ports(1)
    async with (
        gateway_of(system, BARONG_CONSOLE_URL=f"http://127.0.0.1:{nobody}") as changed,
        aiohttp.ClientSession(changed.gateway_url) as http,
    ):
        for path in ("/account/log-in", "/accounts/confirmation", "/console/users"):
            async with http.get(path, headers=BROWSER) as answer:
                text = await answer.text()
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
                assert "Part of the system is down." in text
                assert "Please try again in a moment." in text
                judge(text, answer.headers)
        german = {**BROWSER, "Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}
        async with http.post("/account/log-in", headers=german, data={"email": "x"}) as answer:
            text = await answer.text()
            assert '<html lang="de">' in text
            assert "Ein Teil des Systems ist ausgefallen." in text
            judge(text, answer.headers)
        async with http.head("/account/log-in", headers=BROWSER) as answer:
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        for headers in (PROGRAM, {"Accept": "application/json"}):
            async with http.get("/account/log-in", headers=headers) as answer:
                assert (answer.status, await answer.json()) == (
                    503,
                    {"errors": ["server.unavailable"]},
                )
                assert "Content-Security-Policy" not in answer.headers


async def test_who_opens_too_many_pages_is_told_when_to_go_on(system: Installation) -> None:
    (nobody,) = ports.free_ports(1)
    async with (
        gateway_of(
            system, BARONG_THROTTLING="true", BARONG_CONSOLE_URL=f"http://127.0.0.1:{nobody}"
        ) as changed,
        aiohttp.ClientSession(changed.gateway_url) as http,
    ):

        async def throttled() -> tuple[str, Mapping[str, str]] | None:
            async with http.get("/account", headers=BROWSER) as answer:
                text = await answer.text()
                return (text, answer.headers) if answer.status == 429 else None

        found = await until(throttled)
        assert found is not None
        text, headers = found
        assert "You have opened too many pages in a short time." in text
        assert int(headers["Retry-After"]) >= 1
        judge(text, headers)


async def test_restrictions_are_told_on_pages_and_as_json_at_the_api(
    system: Installation, admin: Client
) -> None:
    async with aiohttp.ClientSession(system.gateway_url) as http:
        for category, address, told in (
            ("maintenance", "198.51.100.71", "We are working on the system."),
            ("blacklist", "198.51.100.72", "Calls from your address or country are not allowed."),
        ):
            form = {"category": category, "scope": "ip", "value": address}
            made = await admin.post("admin/restrictions", {**form, "state": "enabled"})
            assert made.status == 201
            headers = {**BROWSER, "X-Forwarded-For": address}

            async def refused(
                headers: Mapping[str, str] = headers,
            ) -> tuple[str, Mapping[str, str]] | None:
                async with http.get("/account/log-in", headers=headers) as answer:
                    text = await answer.text()
                    return (text, answer.headers) if answer.status >= 400 else None

            found = await until(refused)
            assert found is not None
            assert told in found[0]
            assert "Please come back later." in found[0]
            judge(*found)
            async with http.get("/api/v2/barong/identity/time", headers=headers) as answer:
                assert (await answer.json()) == {"errors": [f"authz.restrict.{category}"]}
            removed = await admin.call("DELETE", "admin/restrictions", {"id": made.body["id"]})
            assert removed.status == 204
