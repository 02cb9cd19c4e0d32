"""A server of clients' metadata documents, on a port of this machine."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.aiohttp_app import serving
from tests.support.relying_party import REDIRECT_URI


@dataclass(slots=True)
class DocumentHost:
    """Answers `/clients/<name>` with what `answers` makes for that name; counts the calls."""

    url: str = ""
    answers: dict[str, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    goes_on: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET to any path."""
        name = request.match_info["name"]
        self.calls.append(name)
        if self.goes_on is not None:
            await self.goes_on.wait()
        make = self.answers.get(name)
        return web.Response(status=404) if make is None else make()

    def hold(self) -> asyncio.Event:
        """Lets all calls wait until this is set."""
        self.goes_on = asyncio.Event()
        return self.goes_on

    def url_of(self, name: str) -> str:
        return f"{self.url}/clients/{name}"

    def publish(self, name: str, headers: dict[str, str] | None = None, **changes: Any) -> str:
        """Shows a good document with changes, None removes one; returns its URL."""
        document = {
            "client_id": self.url_of(name),
            "client_name": "A published app",
            "redirect_uris": [REDIRECT_URI],
            **changes,
        }
        given = {key: value for key, value in document.items() if value is not None}
        self.answers[name] = lambda: web.Response(
            text=json.dumps(given), content_type="application/json", headers=headers
        )
        return self.url_of(name)


@asynccontextmanager
async def document_host(tls: ssl.SSLContext | None = None) -> AsyncIterator[DocumentHost]:
    """A host without documents, with https if there is a context for it."""
    host = DocumentHost()
    app = web.Application()
    app.router.add_get("/clients/{name}", host.handle)
    async with serving(app, tls, shutdown_seconds=0.1) as host.url:
        yield host
