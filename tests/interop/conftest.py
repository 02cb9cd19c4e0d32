"""Fixtures: other people's upstreams and proxies, each started once, and a gateway."""

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
    """Every available upstream; for each of the others, the command that installs it."""
    async with every_upstream(tmp_path_factory.mktemp("upstreams"), KEEP_ALIVE_SECONDS) as made:
        yield made


@pytest.fixture(scope="session")
def routes(upstreams: Mapping[str, UpstreamServer | str]) -> str:
    """A public route to each upstream, such as `/node`."""
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
    """The shared gateway, or a separate one for a test that would disturb others."""

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
