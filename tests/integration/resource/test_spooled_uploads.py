"""What becomes of a file on its way to a bucket, and of the disk on which it waits."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from tests.integration.resource.test_documents import (
    DOCUMENTS,
    MEGABYTE,
    PNG,
    TOO_LARGE,
    read,
    upload,
)
from tests.integration.resource.test_object_storage import (
    LARGE,
    ResourceProcess,
    age_pending,
    members_of,
    nothing_pending,
    process_of,
)
from tests.support.client import Client
from tests.support.internal import tables_of_resource
from tests.support.object_storage import (
    CloudStandIn,
    breaking_storage,
    cloud_stand_in,
    failing_storage,
    silent_storage,
)
from tests.support.own_service import member_of
from tests.support.system import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_old_uploads")

SPOOL = "BARONG_UPLOAD_SPOOL_FOLDER"


@pytest.fixture
async def cloud() -> AsyncIterator[CloudStandIn]:
    async with cloud_stand_in() as made:
        yield made


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("content", [PNG, LARGE])
@pytest.mark.parametrize("provider", ["azure", "google"])
async def test_every_cloud_gets_the_file_in_one_request(
    system: Installation, cloud: CloudStandIn, spool: Path, provider: str, content: bytes
) -> None:
    settings = cloud.settings(provider) | {SPOOL: str(spool)}
    async with member_of(system, **settings) as client:
        answer = await upload(client, ("a b.png", content))
        assert answer.status == 201
        assert await read(system, answer.body["upload"]["url"]) == content
    ((key, (kept, headers)),) = cloud.objects.items()
    assert key.endswith("/a_b.png")
    assert kept == content
    assert cloud.puts == 1
    assert headers["Content-Type"] == "image/png"
    disposition = "Content-Disposition" if provider == "google" else "x-ms-blob-content-disposition"
    assert headers[disposition] == 'attachment; filename="a_b.png"'
    assert await asyncio.to_thread(os.listdir, spool) == []


@pytest.mark.parametrize("provider", ["azure", "google"])
async def test_what_is_refused_is_not_sent_or_deleted(
    system: Installation, cloud: CloudStandIn, provider: str
) -> None:
    async with member_of(system, **cloud.settings(provider)) as client:
        assert (await upload(client, ("a.png", TOO_LARGE))).status == 422
        assert cloud.puts == 0
        assert (await upload(client, ("a.png", PNG), ("b.png", TOO_LARGE))).status == 422
        assert cloud.puts == 1
        assert (await upload(client, doc_type="Nope", first=True)).status == 422
        assert cloud.puts == 2
        assert (await client.get(DOCUMENTS)).body == []
    assert cloud.objects == {}
    assert await nothing_pending(system)


async def test_a_fault_that_passes_is_not_noticed(
    system: Installation, cloud: CloudStandIn
) -> None:
    cloud.fails = 2
    async with member_of(system, **cloud.settings("azure")) as client:
        answer = await upload(client, ("a.png", LARGE))
        assert answer.status == 201
        assert await read(system, answer.body["upload"]["url"]) == LARGE
    assert cloud.puts == 3


@pytest.mark.parametrize("fault", [breaking_storage, failing_storage])
async def test_a_fault_is_logged_without_the_signature(
    system: Installation,
    cloud: CloudStandIn,
    fault: Callable[[], AbstractAsyncContextManager[str]],
) -> None:
    async with fault() as url:
        settings = cloud.settings("azure") | {"BARONG_STORAGE_ENDPOINT": url}
        async with member_of(system, **settings) as client:
            with capture_logs() as logs:
                assert (await upload(client, ("a.png", LARGE))).status == 503
    (told,) = [
        entry
        for entry in logs
        if (entry["event"], entry.get("operation")) == ("object_storage_failed", "put")
    ]
    assert told["reason"]
    assert "http" not in told["reason"]
    assert "sig" not in told["reason"]
    await sweep(system)


async def test_a_full_disk_refuses_the_file_and_nothing_else(
    system: Installation, client: Client, cloud: CloudStandIn, spool: Path
) -> None:
    await client.become_member()
    async with process_of(system, **cloud.settings("azure"), **{SPOOL: str(spool)}) as resource:
        most = 4 * MEGABYTE  # of any file that the process writes
        psutil.Process(resource.process.pid).rlimit(psutil.RLIMIT_FSIZE, (most, most))
        assert await resource.post(client, LARGE) == 503
        assert cloud.puts == 0
        await until(lambda: nothing_held(resource, spool))
        assert await resource.post(client, PNG) == 201
        assert len(cloud.objects) == 1
    assert len((await client.get(DOCUMENTS)).body) == 1
    await sweep(system)


async def test_a_folder_that_is_gone_is_unavailable(
    system: Installation, cloud: CloudStandIn, spool: Path
) -> None:
    async with member_of(system, **cloud.settings("azure"), **{SPOOL: str(spool)}) as client:
        await asyncio.to_thread(spool.rmdir)
        answer = await upload(client)
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])
        assert (await client.get(DOCUMENTS)).body == []
        await asyncio.to_thread(spool.mkdir)
        assert (await upload(client)).status == 201
    await sweep(system)


async def test_a_client_that_goes_away_leaves_nothing(
    system: Installation, client: Client, cloud: CloudStandIn, spool: Path
) -> None:
    await client.become_member()
    async with process_of(system, **cloud.settings("azure"), **{SPOOL: str(spool)}) as resource:
        async with resource.upload(client) as sending:
            await sending.send(LARGE[: 3 * MEGABYTE])
            await until(lambda: held(resource, spool, 2 * MEGABYTE))
        await until(lambda: nothing_held(resource, spool))
        await until(lambda: nothing_pending(system))
    assert cloud.puts == 0
    assert (await client.get(DOCUMENTS)).body == []


async def test_a_process_that_dies_leaves_nothing(
    system: Installation, client: Client, cloud: CloudStandIn, spool: Path
) -> None:
    await client.become_member()
    async with (
        process_of(system, **cloud.settings("azure"), **{SPOOL: str(spool)}) as resource,
        resource.upload(client) as sending,
    ):
        await sending.send(LARGE[: 3 * MEGABYTE])
        await until(lambda: held(resource, spool, 2 * MEGABYTE))
        assert await asyncio.to_thread(os.listdir, spool) == []
        resource.process.kill()
        await resource.process.wait()
    assert await asyncio.to_thread(os.listdir, spool) == []
    assert cloud.puts == 0
    assert (await client.get(DOCUMENTS)).body == []
    await sweep(system)


async def test_slow_senders_keep_nobody_out(
    system: Installation, cloud: CloudStandIn, spool: Path
) -> None:
    """The storage's turn is for files that are whole."""
    settings = {**cloud.settings("azure"), SPOOL: str(spool), "BARONG_UPLOAD_CONCURRENCY": "1"}
    async with (
        members_of(system, 6) as (other, *slow),
        process_of(system, **settings) as resource,
        contextlib.AsyncExitStack() as stack,
    ):
        for member in [*slow, *slow]:
            sending = await stack.enter_async_context(resource.upload(member))
            await sending.send(LARGE[:MEGABYTE])
        assert await until(lambda: number_held(resource, spool, 10))
        assert await number_pending(system, 0)
        assert await resource.post(other, LARGE) == 201
    await sweep(system)


async def test_who_began_first_gives_way_when_the_disk_is_full(
    system: Installation, cloud: CloudStandIn, spool: Path
) -> None:
    limits = {"BARONG_UPLOAD_SPOOL_SIZE": "6", "BARONG_UPLOAD_SIZE_MAX_RANGE": "6"}
    settings = {**cloud.settings("azure"), SPOOL: str(spool), **limits}
    content = LARGE[: 2 * MEGABYTE]
    async with (
        members_of(system, 3) as (first, second, other),
        process_of(system, **settings) as resource,
        resource.upload(first) as oldest,
        resource.upload(second) as newer,
    ):
        await oldest.send(LARGE[: 3 * MEGABYTE])
        await until(lambda: held(resource, spool, 2 * MEGABYTE))
        await newer.send(LARGE[:MEGABYTE])
        await until(lambda: number_held(resource, spool, 2))
        assert await resource.post(other, content + content[: MEGABYTE // 2]) == 201
        assert await oldest.status() == 503
        assert await number_held(resource, spool, 1)
        assert await resource.post(other, content) == 201
    await sweep(system)


async def test_a_silent_bucket_takes_nothing_else_with_it(
    system: Installation, client: Client, cloud: CloudStandIn
) -> None:
    await client.become_member()
    async with (
        silent_storage() as url,
        members_of(system, 6) as members,
        process_of(
            system, **cloud.settings("azure") | {"BARONG_STORAGE_ENDPOINT": url}
        ) as resource,
    ):
        async with contextlib.AsyncExitStack() as stack:
            for member in [*members, *members]:
                sending = await stack.enter_async_context(resource.upload(member))
                await sending.send(LARGE[:MEGABYTE] + b"\r\n--b--\r\n")
            await until(lambda: number_pending(system, 12))
        for _ in range(8):
            assert await resource.get(client, "labels") == 200
    await sweep(system)


async def test_objects_that_cannot_be_deleted_take_nothing_else_with_them(
    system: Installation, cloud: CloudStandIn
) -> None:
    cloud.deletes.clear()
    async with (
        members_of(system, 6) as members,
        process_of(system, **cloud.settings("azure")) as resource,
    ):
        refused = asyncio.gather(
            *(resource.post(member, PNG, doc_type="Nope") for member in [*members, *members])
        )
        while not refused.done():
            assert await resource.get(members[0], "labels") == 200
        assert await refused == [422] * 12
        assert cloud.puts == 12
        assert await number_pending(system, 12)
        cloud.deletes.set()
    await sweep(system)


async def test_one_user_takes_not_all_turns(
    system: Installation, client: Client, cloud: CloudStandIn, spool: Path
) -> None:
    await client.become_member()
    settings = {**cloud.settings("azure"), SPOOL: str(spool), "BARONG_UPLOAD_CONCURRENCY": "3"}
    async with (
        process_of(system, **settings) as resource,
        members_of(system, 1) as (other,),
        contextlib.AsyncExitStack() as stack,
    ):
        uploads = [await stack.enter_async_context(resource.upload(client)) for _ in range(4)]
        for sending in uploads[:2]:
            await sending.send(LARGE[:MEGABYTE])
        await until(lambda: number_held(resource, spool, 2))
        for sending in uploads[2:]:
            async with asyncio.timeout(30):
                assert await sending.status() == 429
        assert await resource.post(client, PNG) == 429
        assert await resource.post(other, PNG) == 201
        await stack.aclose()
        assert await until(lambda: taken(resource, client))
    await sweep(system)


@pytest.mark.parametrize(("fails", "files"), [(2, 1), (0, 3)])
async def test_a_slow_bucket_is_given_up_before_the_gateway_gives_up(
    system: Installation, cloud: CloudStandIn, fails: int, files: int
) -> None:
    cloud.seconds, cloud.fails = 0.8, fails
    async with member_of(
        system, **cloud.settings("azure"), BARONG_STORAGE_TIMEOUT="1"
    ) as client:  # which makes two seconds for all
        answer = await upload(client, *[("a.png", PNG)] * files)
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])
        assert (await client.get(DOCUMENTS)).body == []
    assert cloud.puts > 1
    await sweep(system)


async def number_pending(system: Installation, number: int) -> bool:
    async with tables_of_resource(system) as tables:
        found = await tables.fetchval("SELECT count(*) FROM pending_uploads")
    return bool(found == number)


async def taken(resource: ResourceProcess, client: Client) -> bool:
    return await resource.post(client, PNG) == 201


async def held(resource: ResourceProcess, spool: Path, size: int) -> bool:
    """Whether the process has so much of a file in the folder."""
    return any(found >= size for found in await _sizes(resource, spool))


async def number_held(resource: ResourceProcess, spool: Path, number: int) -> bool:
    """Whether the process has so many files in the folder."""
    return len(await _sizes(resource, spool)) == number


async def nothing_held(resource: ResourceProcess, spool: Path) -> bool:
    return not await _sizes(resource, spool)


async def _sizes(resource: ResourceProcess, spool: Path) -> list[int]:
    """Of the files in the folder that the process has open, with a name or without."""
    return await asyncio.to_thread(_sizes_of, resource.process.pid, spool)


def _sizes_of(pid: int, spool: Path) -> list[int]:
    sizes = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if str(entry.readlink()).startswith(f"{spool}{os.sep}"):
                sizes.append(entry.stat().st_size)
        except FileNotFoundError:  # closed meanwhile
            continue
    return sizes


async def sweep(system: Installation) -> None:
    """Lets a process whose storage works sweep what is left, so that others' tests find nothing."""
    async with cloud_stand_in() as cloud:
        await age_pending(system)
        async with member_of(system, **cloud.settings("azure")):
            await until(lambda: nothing_pending(system))
