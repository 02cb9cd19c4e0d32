"""A service as a process: its parts, its ports, its end, and the work that goes on meanwhile."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from shared.messaging.supervision import supervised
from shared.process import Service, running
from shared.settings import ServiceSettings, load_settings
from tests.support.waiting import until
from tests.unit.shared.builders import KEYS

SETTINGS = load_settings(
    ServiceSettings, {"BARONG_SERVICE_KEYS": KEYS, "BARONG_INTERNAL_PORT": "0"}
)


@asynccontextmanager
async def part(name: str, story: list[str]) -> AsyncIterator[None]:
    story.append(f"{name} entered")
    try:
        yield
    finally:
        story.append(f"{name} left")


class Broken(AbstractAsyncContextManager[None]):
    """A part that cannot start."""

    async def __aenter__(self) -> None:
        raise RuntimeError("cannot start")

    async def __aexit__(self, *_: object) -> None:
        raise AssertionError("never entered")


def app(story: list[str]) -> web.Application:
    async def slow(request: web.Request) -> web.Response:
        """Answers once the service accepts no further connection."""

        async def stopping() -> bool:
            try:
                _, writer = await asyncio.open_connection(request.url.host, request.url.port)
            except ConnectionRefusedError:
                return True
            writer.close()
            return False

        story.append("asked")
        await until(stopping)
        story.append("answered")
        return web.Response(text="done")

    made = web.Application()
    made.router.add_get("/", slow)
    return made


async def get(url: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return await response.text()


async def test_calls_under_way_end_before_the_parts_are_left() -> None:
    story: list[str] = []
    service = Service(
        name="try",
        settings=SETTINGS,
        internal=app(story),
        public=app(story),
        parts=(part("pool", story), part("relay", story)),
    )

    async def asked() -> bool:
        return "asked" in story

    async with running(service) as addresses:
        call = asyncio.create_task(get(addresses.public))
        await until(asked)

    assert await call == "done"
    assert story == [
        *("pool entered", "relay entered", "asked"),
        *("answered", "relay left", "pool left"),
    ]
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(addresses.internal)


async def test_a_part_that_cannot_start_leaves_those_before_it() -> None:
    story: list[str] = []
    parts = (part("pool", story), Broken(), part("relay", story))
    service = Service(name="try", settings=SETTINGS, internal=app(story), parts=parts)

    with pytest.raises(RuntimeError, match="cannot start"):
        async with running(service):
            pass
    assert story == ["pool entered", "pool left"]


SERVER = """
from aiohttp import web
from shared.process import Service, serve
from shared.settings import ServiceSettings, load_settings

settings = load_settings(ServiceSettings)
serve(Service(name="try", settings=settings, internal=web.Application(), parts=()))
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order(how: signal.Signals) -> None:
    environment = {"BARONG_SERVICE_KEYS": KEYS, "BARONG_INTERNAL_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", SERVER], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert "listening" in process.stdout.readline()
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopping" in said
    assert "Traceback" not in said


async def test_work_goes_on_after_every_failure_and_ends_with_the_block() -> None:
    attempts = 0
    working = asyncio.Event()

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 6:
            raise [OSError("x"), ExceptionGroup("x", [ValueError("x")])][attempts % 2]
        if attempts == 6:
            return
        working.set()
        await asyncio.sleep(60)

    with capture_logs() as logs:
        work = supervised("try", attempt, first_delay=0.001, longest_delay=0.004)
        async with asyncio.timeout(30), work:
            await working.wait()

    assert attempts == 7
    ours = [entry for entry in logs if entry.get("part") == "try"]  # others may log meanwhile
    assert [entry["retry_seconds"] for entry in ours] == [0.001, 0.002, 0.004, 0.004, 0.004]
    assert {entry["event"] for entry in ours} == {"interrupted"}


async def test_work_that_swallows_a_cancellation_is_cancelled_again() -> None:
    deaf = 2

    async def attempt() -> None:
        nonlocal deaf
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if not deaf:
                    raise
                deaf -= 1

    async with asyncio.timeout(30), supervised("try", attempt, cancel_again=0.01):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert deaf == 0


async def test_a_service_listens_on_both_families() -> None:
    settings = load_settings(
        ServiceSettings,
        {"BARONG_SERVICE_KEYS": KEYS, "BARONG_INTERNAL_PORT": "0", "BARONG_HOST": "::"},
    )
    service = Service(name="x", settings=settings, internal=app([]), public=app([]), parts=())
    async with running(service) as addresses, aiohttp.ClientSession() as http:
        for url in (addresses.public, addresses.internal):
            assert url.startswith("http://[::]:")
            for host in ("127.0.0.1", "[::1]"):
                async with http.get(url.replace("[::]", host) + "/nothing") as got:
                    assert got.status == 404
