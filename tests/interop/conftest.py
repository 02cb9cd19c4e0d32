"""Upstreams and proxies of others, each started once, and a gateway among them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.processes import StartError
from tests.interop.servers import (
    FRONTS,
    UPSTREAMS,
    Front,
    GatewayFor,
    UpstreamServer,
    before,
    every_upstream,
)
from tests.support.transport import Gateway, gateway

SETTINGS = {
    **{f"BARONG_{what}_TIMEOUT": "3" for what in ("HEADER", "IDLE", "STALL")},
    "BARONG_MAX_BODY_BYTES": "4000000",
}
KEEP_ALIVE_SECONDS = 30


@pytest.fixture(scope="session")
async def upstreams(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Mapping[str, UpstreamServer | str]]:
    """Every upstream that can be had; of the others, what would help."""
    async with every_upstream(tmp_path_factory.mktemp("upstreams"), KEEP_ALIVE_SECONDS) as made:
        yield made


@pytest.fixture(scope="session")
def routes(upstreams: Mapping[str, UpstreamServer | str]) -> str:
    """A public route to each upstream: `/node` leads to Node."""
    return "\n".join(
        f'- {{prefix: /{name}, access: public, upstream: "{each.url}"}}'
        for name, each in upstreams.items()
        if isinstance(each, UpstreamServer)
    )


@pytest.fixture(scope="session")
async def shared_gateway(
    routes: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway with these routes."""
    async with gateway(tmp_path_factory.mktemp("gateway"), routes, settings=SETTINGS) as made:
        yield made


@pytest.fixture
def gateway_for(
    shared_gateway: Gateway, routes: str, tmp_path_factory: pytest.TempPathFactory
) -> GatewayFor:
    """The shared gateway; one of its own for a test that is known to leave it in disorder."""

    @asynccontextmanager
    async def chosen(*, apart: bool) -> AsyncIterator[Gateway]:
        if apart:
            folder = tmp_path_factory.mktemp("gateway")
            async with gateway(folder, routes, settings=SETTINGS) as made:
                yield made
        else:
            yield shared_gateway

    return chosen


@pytest.fixture(scope="session", params=UPSTREAMS)
def upstream(
    request: pytest.FixtureRequest, upstreams: Mapping[str, UpstreamServer | str]
) -> UpstreamServer:
    """One upstream after another."""
    found = upstreams[request.param]
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session", params=FRONTS)
async def front(
    request: pytest.FixtureRequest,
    shared_gateway: Gateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Front]:
    """One proxy before the gateway after another."""
    folder: Path = tmp_path_factory.mktemp(f"front-{request.param}")
    try:
        async with before(request.param, folder, shared_gateway.public) as made:
            yield made
    except StartError as error:
        pytest.skip(str(error))
