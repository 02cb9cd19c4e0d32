"""Where uploads lie, what happens when that place is away, and what an upload costs."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import psutil
import pytest

from deploy.local import ports
from tests.integration.resource.test_documents import (
    DOCUMENTS,
    FULL,
    MEGABYTE,
    PNG,
    form_of,
    labels_of,
    stored,
    upload,
)
from tests.support.client import Client
from tests.support.internal import tables_of_resource
from tests.support.object_storage import (
    S3StandIn,
    breaking_storage,
    deaf_storage,
    failing_storage,
    s3_stand_in,
    silent_storage,
)
from tests.support.own_service import member_of
from tests.support.system import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_old_uploads")

LARGE = PNG.ljust(10 * MEGABYTE, b"x")


@pytest.fixture(scope="module")
async def s3() -> AsyncIterator[S3StandIn]:
    async with s3_stand_in() as made:
        yield made


@pytest.mark.parametrize("content", [PNG, LARGE])
async def test_a_bucket_keeps_files_and_hands_them_out(
    system: Installation, s3: S3StandIn, content: bytes
) -> None:
    async with member_of(system, **s3.settings) as client:
        url = (await upload(client, ("a.png", content))).body["upload"]["url"]
        assert url.startswith(f"{s3.url}/documents/document/upload/")
        assert "X-Amz-Expires=60&" in url
        async with aiohttp.ClientSession() as anybody, anybody.get(url) as got:
            assert (got.status, await got.read()) == (200, content)
            assert got.headers["Content-Type"] == "image/png"
            assert got.headers["Content-Disposition"] == 'attachment; filename="a.png"'


async def test_a_bucket_keeps_nothing_of_what_is_refused(
    system: Installation, s3: S3StandIn
) -> None:
    before = await s3.objects()
    async with member_of(system, **s3.settings) as client:
        answer = await upload(client, ("a.png", LARGE), ("b.png", LARGE + b"x"), first=True)
        assert answer.status == 422
        assert (await upload(client, ("a.png", LARGE), doc_type="Nope", first=True)).status == 422
    assert await s3.objects() == before


@pytest.mark.parametrize("content", [PNG, LARGE])
@pytest.mark.parametrize("fault", ["nobody", "deaf", "silent", "breaking", "failing", "bucket"])
async def test_while_the_storage_is_away_nothing_is_half_done(
    system: Installation, s3: S3StandIn, fault: str, content: bytes
) -> None:
    async with (
        deaf_storage() as deaf,
        silent_storage() as silent,
        breaking_storage() as breaking,
        failing_storage() as failing,
        member_of(
            system,
            **s3.settings
            | {"BARONG_STORAGE_TIMEOUT": "1"}
            | {
                "nobody": {"BARONG_STORAGE_ENDPOINT": "http://127.0.0.1:9"},
                "deaf": {"BARONG_STORAGE_ENDPOINT": deaf},
                "breaking": {"BARONG_STORAGE_ENDPOINT": breaking},
                "silent": {"BARONG_STORAGE_ENDPOINT": silent},
                "failing": {"BARONG_STORAGE_ENDPOINT": failing},
                "bucket": {"BARONG_STORAGE_BUCKET_NAME": "nowhere"},
            }[fault],
        ) as client,
    ):
        answer = await upload(client, ("a.png", content))
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])
        assert answer.headers["Retry-After"] == "1"
        assert (await client.get(DOCUMENTS)).body == []
        assert await labels_of(client) == {"email": "verified"}
    await swept(system, s3)


async def test_a_storage_that_comes_back_is_used_again(system: Installation, s3: S3StandIn) -> None:
    async with member_of(system, **s3.settings) as client:
        assert (await upload(client)).status == 201
    await swept(system, s3)


async def test_what_a_dead_process_left_is_swept(
    system: Installation, client: Client, s3: S3StandIn
) -> None:
    """The process dies between the note of an upload and the storage's answer."""
    await client.become_member()
    async with silent_storage() as silent:
        endpoint = {"BARONG_STORAGE_ENDPOINT": silent, "BARONG_STORAGE_TIMEOUT": "30"}
        async with process_of(system, **s3.settings | endpoint) as resource:
            sending = asyncio.create_task(resource.post(client, LARGE))
            await until(lambda: something_pending(system))
            resource.process.kill()
            with pytest.raises(aiohttp.ClientError):
                await sending
    assert (await client.get(DOCUMENTS)).body == []
    assert await something_pending(system)
    await swept(system, s3)


async def test_an_upload_that_breaks_off_leaves_nothing(
    system: Installation, client: Client
) -> None:
    await client.become_member()
    before = stored(system)
    async with process_of(system) as resource:
        async with resource.upload(client) as sending:
            await sending.send(LARGE[: 3 * MEGABYTE])
        assert await resource.post(client, PNG) == 201
        await until(lambda: nothing_pending(system))
    assert len(stored(system)) == len(before) + 1


@pytest.mark.parametrize("storage", ["folder", "bucket"])
async def test_memory_stays_flat(
    system: Installation, client: Client, s3: S3StandIn, storage: str
) -> None:
    settings = {"BARONG_DOC_NUM_LIMIT": "100"}
    settings |= s3.settings | {"BARONG_STORAGE_TIMEOUT": "20"} if storage == "bucket" else {}
    await client.become_member()
    async with process_of(system, **settings) as resource:
        assert await resource.post(client, LARGE) == 201
        async with resource.watched() as growth:
            for _ in range(10):
                assert await resource.post(client, LARGE) == 201
        assert growth.megabytes < 32
        async with members_of(system, 4) as members, resource.watched() as growth:
            uploads = (resource.post(member, LARGE) for member in [*members, *members])
            assert set(await asyncio.gather(*uploads)) == {201}
        assert growth.megabytes < 40  # 80 MB at once


@pytest.mark.parametrize("announced", [True, False])
async def test_a_gigabyte_is_refused_early(
    system: Installation, client: Client, announced: bool
) -> None:
    await client.become_member()
    async with process_of(system) as resource:
        assert await resource.post(client, LARGE) == 201
        async with (
            resource.watched() as growth,
            resource.upload(client, 2**30 if announced else None) as sending,
        ):
            sent = await sending.send_until_answered(LARGE, 1024 * MEGABYTE)
            assert await sending.status() == 413
        # What was announced is refused unread; the rest of what was sent waits in the sockets.
        assert sent < (20 if announced else 60) * MEGABYTE
        assert growth.megabytes < 32
    assert await nothing_pending(system)


@contextlib.asynccontextmanager
async def members_of(system: Installation, number: int) -> AsyncIterator[list[Client]]:
    """So many new members."""
    async with contextlib.AsyncExitStack() as stack:
        members = [await stack.enter_async_context(Client(system)) for _ in range(number)]
        for member in members:
            await member.become_member()
        yield members


async def something_pending(system: Installation) -> bool:
    return not await nothing_pending(system)


async def nothing_pending(system: Installation) -> bool:
    async with tables_of_resource(system) as tables:
        return not await tables.fetchval("SELECT count(*) FROM pending_uploads")


async def age_pending(system: Installation) -> None:
    """Makes it as if two hours had gone by."""
    async with tables_of_resource(system) as tables:
        await tables.execute(
            "UPDATE pending_uploads SET created_at = created_at - interval '2 hours'"
        )


async def swept(system: Installation, s3: S3StandIn) -> None:
    """Returns when the next process with a storage that works has swept what is old."""
    await age_pending(system)
    async with member_of(system, **s3.settings):
        await until(lambda: nothing_pending(system))


@dataclass(slots=True)
class Growth:
    """How much more memory a process had at most than in the beginning."""

    megabytes: float = 0


@dataclass(frozen=True, slots=True)
class Sending:
    """An upload by hand, of one file."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chunked: bool

    async def send(self, data: bytes) -> None:
        """A piece of the file."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
        await self.writer.drain()

    async def send_until_answered(self, piece: bytes, limit: int) -> int:
        """How many bytes were sent before there was an answer, or nobody took more."""
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < limit and not self.reader._buffer:  # type: ignore[attr-defined]  # noqa: SLF001
                await self.send(piece[:MEGABYTE])
                sent += MEGABYTE
        return sent

    async def status(self) -> int:
        """That of the answer."""
        return int((await self.reader.readline()).split()[1])


@dataclass(frozen=True, slots=True)
class ResourceProcess:
    """A resource-svc as a process of its own."""

    port: int
    process: asyncio.subprocess.Process

    async def post(self, client: Client, content: bytes, **fields: str) -> int:
        """The status of an upload."""
        form = form_of({**FULL, **fields}, [("a.png", content)])
        return await self._call("POST", client, "documents", form)

    async def get(self, client: Client, path: str) -> int:
        """The status of a call that reads."""
        return await self._call("GET", client, path)

    async def _call(self, method: str, client: Client, path: str, form: Any = None) -> int:
        url = f"http://127.0.0.1:{self.port}/api/v2/resource/{path}"
        headers = {"Authorization": await client.upstream_bearer()}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, url, data=form) as answer,
        ):
            return answer.status

    @contextlib.asynccontextmanager
    async def upload(self, client: Client, announced: int | None = None) -> AsyncIterator[Sending]:
        """An upload whose file is sent piece by piece, and never ends."""
        length = f"Content-Length: {announced}" if announced else "Transfer-Encoding: chunked"
        head = [
            "POST /api/v2/resource/documents HTTP/1.1",
            "Host: resource",
            f"Authorization: {await client.upstream_bearer()}",
            "Content-Type: multipart/form-data; boundary=b",
            length,
        ]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        sending = Sending(reader, writer, chunked=announced is None)
        writer.write("\r\n".join([*head, "", ""]).encode())
        part = 'Content-Disposition: form-data; name="upload[]"; filename="a.png"'
        await sending.send(f"--b\r\n{part}\r\n\r\n".encode())
        try:
            yield sending
        finally:
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[Growth]:
        """The growth of its memory while the block lasts."""
        growth = Growth()
        process = psutil.Process(self.process.pid)
        before = process.memory_info().rss

        async def watch() -> None:
            while True:
                more = (process.memory_info().rss - before) / MEGABYTE
                growth.megabytes = max(growth.megabytes, more)
                await asyncio.sleep(0.005)

        watching = asyncio.create_task(watch())
        try:
            yield growth
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        print(f"{growth.megabytes:.1f} MB more")


@contextlib.asynccontextmanager
async def process_of(system: Installation, **settings: str) -> AsyncIterator[ResourceProcess]:
    """A resource-svc with these settings, once it is ready."""
    public, internal = ports.free_ports(2)
    places = {"BARONG_PORT": str(public), "BARONG_INTERNAL_PORT": str(internal)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "resource_svc", "serve"),
        env={**system.environments["resource"], **places, **settings},
    )
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> bool:
                try:
                    url = f"http://127.0.0.1:{internal}/health/ready"
                    async with http.get(url) as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await until(ready, 30)
        yield ResourceProcess(public, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
