"""The API document, its page and what the page loads, as anybody gets them."""

import gzip
import json
import re
from collections.abc import Mapping
from importlib import resources

import aiohttp
import pytest
from yarl import URL

from shared.contracts.catalogue import CATALOGUE
from tests.support.client import Client
from tests.support.system import Installation

DOCUMENT = "/api/v2/barong/openapi.json"
PAGE = "/api/v2/barong/docs"
FOREVER = "public, max-age=31536000, immutable"
CONTENT_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
PACKAGE = resources.files("authz_gateway.api_document")


async def fetched(
    system: Installation, path: str, accept_encoding: str | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and the bytes that were sent."""
    own = {} if accept_encoding is None else {"Accept-Encoding": accept_encoding}
    async with (
        aiohttp.ClientSession(
            system.gateway_url, auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
        ) as http,
        http.get(path, headers=own) as got,
    ):
        return got.status, got.headers, await got.read()


async def links(system: Installation) -> Mapping[str, str]:
    """What the page loads: paths by name."""
    _, _, page = await fetched(system, PAGE)
    found = re.findall(r'(?:src|href)="([^"]+)"', page.decode())
    assert DOCUMENT in found
    return {path.rpartition("/")[2]: path for path in found if path != DOCUMENT}


async def test_the_document(client: Client) -> None:
    answer = await client.get(DOCUMENT)
    assert (answer.status, answer.body["openapi"]) == (200, "3.1.0")
    assert "/resource/users/me" in answer.body["paths"]
    assert "max-age" in answer.headers["Cache-Control"]


async def test_the_document_of_events(client: Client) -> None:
    answer = await client.get("/api/v2/barong/asyncapi.json")
    assert (answer.status, answer.body["asyncapi"]) == (200, "3.0.0")
    assert set(answer.body["components"]["messages"]) == set(CATALOGUE)


async def test_the_page_of_events_runs_nothing(system: Installation) -> None:
    status, headers, body = await fetched(system, f"{PAGE}/events")
    page = body.decode()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "style-src 'self'" in headers["Content-Security-Policy"]
    assert not re.search(r"https?://|<style|style=|<script|\son\w+=", page)
    assert all(f'<section id="{name}">' in page for name in CATALOGUE)
    targets = re.findall(r'href="#([^"]+)"', page)
    assert all(f'id="{target}"' in page for target in targets)
    for path in set(re.findall(r'href="(/[^"]+)"', page)):
        assert (await fetched(system, path))[0] == 200, path


async def test_the_schema_of_an_event(system: Installation) -> None:
    path = f"{PAGE}/events/model.user.created.v1.json"
    status, headers, body = await fetched(system, path)
    assert (status, headers["Content-Type"]) == (200, "application/schema+json")
    assert json.loads(body)["title"] == "model.user.created"


@pytest.mark.parametrize("path", [PAGE, PAGE + "/"])
async def test_the_page_may_load_and_call_the_gateway_alone(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not re.search(r"https?://|<style|style=|<script(?! src=)|\son\w+=", answer.body)


async def test_its_assets_are_cached_for_good(system: Installation) -> None:
    paths = await links(system)
    assert set(paths) == set(CONTENT_TYPES)
    for name, path in paths.items():
        status, headers, _ = await fetched(system, path)
        assert (status, headers["Cache-Control"]) == (200, FOREVER)
        assert headers["Content-Type"] == CONTENT_TYPES[name]
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("accepted", ["gzip", "br;q=1.0, GZIP;q=0.5", "gzip;q=0.001, identity"])
async def test_who_takes_gzip_gets_it(system: Installation, accepted: str) -> None:
    paths = await links(system)
    for path, file in (
        (DOCUMENT, "openapi.json"),
        (paths["swagger-ui.css"], "swagger_ui/swagger-ui.css"),
        (paths["swagger-ui-bundle.js"], "swagger_ui/swagger-ui-bundle.js"),
    ):
        _, headers, body = await fetched(system, path, accepted)
        assert headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in headers["Vary"]
        assert gzip.decompress(body) == (PACKAGE / file).read_bytes()


@pytest.mark.parametrize("accepted", [None, "", "identity", "gzip;q=0", "gzip; q=0.000, *", "br"])
async def test_others_get_the_file_as_it_is(system: Installation, accepted: str | None) -> None:
    path = (await links(system))["swagger-ui-bundle.js"]
    _, headers, body = await fetched(system, path, accepted)
    assert "Content-Encoding" not in headers
    assert "Accept-Encoding" in headers["Vary"]
    assert body == (PACKAGE / "swagger_ui" / "swagger-ui-bundle.js").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        f"{PAGE}/more",
        f"{PAGE}/events/model.user.created.v2.json",
        f"{PAGE}/events/model.user.created",
        f"{PAGE}/0123456789abcdef/swagger-ui.css",
        f"{PAGE}/swagger-ui.css",
        f"{PAGE}/SHA256SUMS",
        f"{DOCUMENT}/more",
    ],
)
async def test_there_is_nothing_else_below(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize("path", [f"{PAGE}/%2e%2e/files.py", f"{PAGE}//swagger-ui.css"])
async def test_ambiguous_paths_are_refused(system: Installation, path: str) -> None:
    async with aiohttp.ClientSession() as http:
        url = URL(system.gateway_url + path, encoded=True)
        async with http.get(url) as got:
            assert got.status == 400


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_they_are_only_read(client: Client, system: Installation, method: str) -> None:
    for path in (PAGE, *(await links(system)).values()):
        assert (await client.call(method, path)).status == 404
