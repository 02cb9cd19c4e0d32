"""Object storages on this machine: one that works, and ones that do not."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from deploy.local import ports
from tests.waiting import until

BUCKET = "documents"


@dataclass(frozen=True, slots=True)
class S3StandIn:
    """moto's S3 in a process of its own."""

    url: str

    @property
    def settings(self) -> dict[str, str]:
        """What a resource-svc is told that keeps its uploads here."""
        return {
            "BARONG_STORAGE_PROVIDER": "aws",
            "BARONG_STORAGE_BUCKET_NAME": BUCKET,
            "BARONG_STORAGE_ACCESS_KEY": "key",
            "BARONG_STORAGE_SECRET_KEY": "secret",
            "BARONG_STORAGE_ENDPOINT": self.url,
            "BARONG_STORAGE_REGION": "eu-central-1",
            "BARONG_STORAGE_PATHSTYLE": "true",
            "BARONG_STORAGE_TIMEOUT": "1",
        }

    async def objects(self) -> list[str]:
        """The keys of all objects, and of uploads that were neither ended nor given up."""
        async with aiohttp.ClientSession(self.url) as http:
            async with http.get(f"/{BUCKET}?list-type=2") as got:
                listing = await got.text()
            async with http.get(f"/{BUCKET}?uploads") as got:
                listing += await got.text()
        return re.findall("<Key>(.*?)</Key>", listing)


@asynccontextmanager
async def s3_stand_in() -> AsyncIterator[S3StandIn]:
    """A bucket that works."""
    (port,) = ports.free_ports(1)
    stand_in = S3StandIn(f"http://127.0.0.1:{port}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as http:

            async def made() -> bool:
                try:
                    async with http.put(f"{stand_in.url}/{BUCKET}") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await until(made, 30)
        yield stand_in
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def silent_storage() -> AsyncIterator[str]:
    """Takes whatever it is sent and never says a word."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.close()

    async with _listening(listen) as url:
        yield url


@asynccontextmanager
async def failing_storage() -> AsyncIterator[str]:
    """Has an internal error at every call."""

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with _listening(fail) as url:
        yield url


@asynccontextmanager
async def _listening(
    connected: "asyncio.streams._ClientConnectedCallback",
) -> AsyncIterator[str]:
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
