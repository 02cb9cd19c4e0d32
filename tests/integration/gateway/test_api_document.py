"""The API document and its page, as anybody gets them."""

import re

import pytest

from tests.support.client import Client


async def test_the_document(client: Client) -> None:
    answer = await client.get("/api/v2/barong/openapi.json")
    assert (answer.status, answer.body["openapi"]) == (200, "3.1.0")
    assert "/resource/users/me" in answer.body["paths"]
    assert "max-age" in answer.headers["Cache-Control"]


async def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = await client.get("/api/v2/barong/docs")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")
    assert "/resource/users/me" in answer.body
    assert not re.search(r"<script|<link|<img|src=|https?://", answer.body)


async def test_its_links_lead_somewhere(client: Client) -> None:
    answer = await client.get("/api/v2/barong/docs/")
    links = set(re.findall('href="([^"]+)"', answer.body))
    names = {f"#{name}" for name in re.findall('id="([^"]+)"', answer.body)}
    assert links - names == {"openapi.json"}


@pytest.mark.parametrize("path", ["docs/more", "openapi.json/more"])
async def test_there_is_nothing_below(client: Client, path: str) -> None:
    assert (await client.get(f"/api/v2/barong/{path}")).status == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_they_are_only_read(client: Client, method: str) -> None:
    assert (await client.call(method, "/api/v2/barong/docs")).status == 404
