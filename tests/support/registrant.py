"""Somebody who registers clients with an initial access token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from tests.support.system import INITIAL_ACCESS_TOKEN, Installation


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that manages its registration."""

    http: aiohttp.ClientSession
    path: str
    token: str

    async def get(self) -> tuple[int, Any]:
        return await self._call("GET")

    async def put(self, metadata: Mapping[str, Any]) -> tuple[int, Any]:
        return await self._call("PUT", json=metadata)

    async def delete(self) -> tuple[int, Any]:
        return await self._call("DELETE")

    async def _call(self, method: str, **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, self.path, headers=headers, **options) as got:
            return got.status, (await got.json()) if await got.read() else None


class Registrant:
    """Calls the registration endpoint."""

    def __init__(self, system: Installation) -> None:
        self.http = aiohttp.ClientSession(system.gateway_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def register(
        self, metadata: Mapping[str, Any], token: str | None = INITIAL_ACCESS_TOKEN
    ) -> tuple[int, Any]:
        return await self.send(json.dumps(metadata).encode(), "application/json", token)

    async def send(
        self, body: bytes, kind: str, token: str | None = INITIAL_ACCESS_TOKEN
    ) -> tuple[int, Any]:
        headers = {"Content-Type": kind}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self.http.post("/oauth/register", data=body, headers=headers) as got:
            return got.status, await got.json()

    def of(self, made: Mapping[str, Any]) -> Registered:
        """What the answer lets its client do."""
        path = made["registration_client_uri"].partition("/oauth/")[2]
        return Registered(self.http, f"/oauth/{path}", made["registration_access_token"])
