"""Object storages on this machine: one that works, and ones that do not."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local import ports
from tests.support.aiohttp_app import serving
from tests.support.waiting import until

BUCKET = "documents"


@dataclass(frozen=True, slots=True)
class S3StandIn:
    """moto's S3 in a process of its own."""

    url: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a resource-svc that stores its uploads here."""
        return {
            "BARONG_STORAGE_PROVIDER": "aws",
            "BARONG_STORAGE_BUCKET_NAME": BUCKET,
            "BARONG_STORAGE_ACCESS_KEY": "key",
            "BARONG_STORAGE_SECRET_KEY": "secret",
            "BARONG_STORAGE_ENDPOINT": self.url,
            "BARONG_STORAGE_REGION": "eu-central-1",
            "BARONG_STORAGE_PATHSTYLE": "true",
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


@dataclass(slots=True)
class CloudStandIn:
    """What Google's and Azure's storages have in common, as far as it is used here.

    Like them it takes an object only with its length, signed, and as its Content-MD5 says; Azure
    wants to be told its kind besides.
    """

    url: str = ""
    fails: int = 0
    """How many more objects are refused for the time being."""
    seconds: float = 0
    """How long it takes over each object that it is sent."""
    deletes: asyncio.Event = field(default_factory=asyncio.Event)
    """Until this is set it does not answer when it is asked to delete."""
    objects: dict[str, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict)
    """By key, what was stored, and the headers it was stored with."""
    puts: int = 0

    def settings(self, provider: str) -> dict[str, str]:
        """The settings of a resource-svc that stores its uploads here."""
        keys = {
            "azure": {
                "BARONG_STORAGE_ACCESS_KEY": "account",
                "BARONG_STORAGE_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
            },
            "google": {"BARONG_STORAGE_SECRET_KEY": _service_account()},
        }
        return {
            "BARONG_STORAGE_PROVIDER": provider,
            "BARONG_STORAGE_BUCKET_NAME": BUCKET,
            "BARONG_STORAGE_ENDPOINT": self.url,
            **keys[provider],
        }

    async def put(self, request: web.Request) -> web.Response:
        self.puts += 1
        content = await request.read()
        await asyncio.sleep(self.seconds)
        if self.fails:
            self.fails -= 1
            raise web.HTTPServiceUnavailable
        azure = "sig" in request.query
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        good = (
            (azure or "X-Goog-Signature" in request.query)
            and azure == (request.headers.get("x-ms-blob-type") == "BlockBlob")
            and request.headers.get("Content-Length") == str(len(content))
            and request.headers.get("Content-MD5") == digest
        )
        if not good:
            raise web.HTTPBadRequest
        self.objects[request.match_info["key"]] = content, request.headers.copy()
        return web.Response(status=201 if azure else 200)

    async def get(self, request: web.Request) -> web.Response:
        content, headers = self.objects[request.match_info["key"]]
        return web.Response(body=content, headers={"Content-Type": headers["Content-Type"]})

    async def delete(self, request: web.Request) -> web.Response:
        known = self.objects.pop(request.match_info["key"], None)
        return web.Response(status=404 if known is None else 204)

    async def batch(self, request: web.Request) -> web.Response:
        """What obstore asks of Azure to delete one object."""
        await self.deletes.wait()
        (path,) = re.findall(f"DELETE /{BUCKET}/(.+) HTTP/1.1", await request.text())
        status = "404 Gone" if self.objects.pop(path, None) is None else "202 Accepted"
        return web.Response(
            status=202,
            body=f"--b\r\nContent-ID: 0\r\n\r\nHTTP/1.1 {status}\r\n\r\n\r\n--b--\r\n".encode(),
            headers={"Content-Type": "multipart/mixed; boundary=b"},
        )


def _service_account() -> str:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"client_email": "us@example.com", "private_key_id": "1", "private_key": pem}
    return json.dumps(account)


@asynccontextmanager
async def cloud_stand_in() -> AsyncIterator[CloudStandIn]:
    """A bucket of Google's and a container of Azure's that work."""
    stand_in = CloudStandIn()
    stand_in.deletes.set()
    app = web.Application(client_max_size=2**30)
    app.router.add_put(f"/{BUCKET}/{{key:.+}}", stand_in.put)
    app.router.add_get(f"/{BUCKET}/{{key:.+}}", stand_in.get)
    app.router.add_post(f"/{BUCKET}", stand_in.batch)
    app.router.add_delete(f"/{BUCKET}/{{key:.+}}", stand_in.delete)
    async with serving(app) as stand_in.url:
        yield stand_in


@asynccontextmanager
async def deaf_storage() -> AsyncIterator[str]:
    """Lets itself be connected to, and takes nothing."""

    with socket.create_server(("127.0.0.1", 0)) as listening:  # nobody accepts or reads
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def silent_storage() -> AsyncIterator[str]:
    """Accepts everything that it is sent, and never answers."""

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
async def breaking_storage() -> AsyncIterator[str]:
    """Breaks every connection when something was sent."""

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.transport.abort()

    async with _listening(break_off) as url:
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
