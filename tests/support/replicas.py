"""Several gateways of one system."""

import dataclasses
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web
from yarl import URL

from shared.process import running
from tests.support.aiohttp_app import serving
from tests.support.system import ROOT, Installation, ready

_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}


@asynccontextmanager
async def gateways(system: Installation, count: int = 3) -> AsyncIterator[list[Installation]]:
    """The system as seen through each of `count` more gateways, which are ready."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(gateway_of(system)) for _ in range(count)]


@asynccontextmanager
async def gateway_of(
    system: Installation, *, without: Collection[str] = (), **settings: str
) -> AsyncIterator[Installation]:
    """The system as seen through one more gateway with these settings, which is ready.

    The parts `without` which it has to do are not waited for.
    """
    async with running(system.service("gateway", **{**_FREE, **settings})) as addresses:
        public, internal = (URL(url).port or 0 for url in (addresses.public, addresses.internal))
        replica = dataclasses.replace(
            system,
            public={**system.public, "gateway": public},
            internal={**system.internal, "gateway": internal},
        )
        await ready(replica, "gateway", without=without)
        yield replica


@asynccontextmanager
async def gateway_with_routes(
    system: Installation, folder: Path, routes: str
) -> AsyncIterator[Installation]:
    """The system behind one more gateway, which has these routes besides the usual ones.

    `{up}` in them is the address of an upstream that answers every call.
    """

    async def served(_request: web.Request) -> web.Response:
        return web.Response(text="served")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served)
    async with serving(app) as upstream:
        file = folder / "routes.yaml"
        usual = (ROOT / "deploy" / "config" / "routes.yaml").read_text()
        file.write_text(usual + routes.format(up=upstream))
        async with gateway_of(system, BARONG_ROUTES_FILE=str(file)) as mine:
            yield mine
