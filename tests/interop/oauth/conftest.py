"""A member, an administrator, and a page that web applications protect."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium

from tests.interop.chromium import running_chromium
from tests.interop.oauth.browser import Browser
from tests.support.client import Client
from tests.support.system import Installation


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture(scope="module")
async def registrar(system: Installation) -> AsyncIterator[Client]:
    """An administrator, who registers clients."""
    async with Client(system) as made:
        await made.log_in_as_superadmin()
        yield made


@pytest.fixture
async def browser(member: Client) -> AsyncIterator[Browser]:
    """The member's browser, in which nobody is logged in."""
    async with Browser(member) as made:
        yield made


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Chromium]:
    """A real browser."""
    async with running_chromium() as made:
        yield made


@pytest.fixture(scope="module")
async def demo() -> AsyncIterator[str]:
    """The address of a page that shows the headers with which it was called."""

    async def show(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return web.Response(text=json.dumps(headers))

    application = web.Application()
    application.router.add_get("/{path:.*}", show)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")
