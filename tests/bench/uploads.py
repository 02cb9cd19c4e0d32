"""How much memory an upload of ten megabytes costs, into a folder and into a bucket."""

import http.client
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import psutil

from deploy.local import ports
from tests.bench.installed import Bench, installed
from tests.bench.member import USER_AGENT, Member, bearers, member_of
from tests.bench.row import Row
from tests.support.object_storage import BUCKET, S3StandIn

MEGABYTE = 2**20
UPLOADS = 20
AT_ONCE = (4, 16)
ROUNDS = 3
LIMIT = 5
_POLL_SECONDS = 0.001
_TRIES = 300
_BOUNDARY = "b0undary"
_PNG = b"\x89PNG\r\n\x1a\n"
_FORM = {"doc_type": "Passport", "doc_number": "AA1234", "doc_expire": "3020-01-22"}


def rows() -> Iterator[Row]:
    """Each upload beside the memory of the process right before it; the first is no measurement."""
    with installed(BARONG_DOC_NUM_LIMIT="100") as bench:
        yield from _measured(bench, "folder")
    with _bucket() as settings, installed(BARONG_DOC_NUM_LIMIT="100", **settings) as bench:
        yield from _measured(bench, "bucket")


def _measured(bench: Bench, storage: str) -> Iterator[Row]:
    with bench.running("identity", "gateway", "admin", "mailer"), bench.process("resource") as own:
        bench.wait("resource")
        members = [member_of(bench, f"m{n}@example.com") for n in range(max(AT_ONCE) // 2)]
        _upload(bench, members[0])
        before = own.memory_info().rss
        added = [_added(bench, members, own) for _ in range(UPLOADS)]
        kept = (own.memory_info().rss - before) / MEGABYTE
        together = {
            number: [_added(bench, members, own, number) for _ in range(ROUNDS)]
            for number in AT_ONCE
        }
    what = f"10 MB into a {storage}: resident memory added"
    yield Row(f"{what}, median of {UPLOADS}", statistics.median(added), "MB", LIMIT)
    yield Row(f"{what}, most of {UPLOADS}", max(added), "MB", LIMIT)
    yield Row(f"{what} and kept after {UPLOADS}", kept, "MB", LIMIT)
    for number, sums in together.items():
        yield Row(f"{what}, {number} at once, each", max(sums) / number, "MB", LIMIT)


def _added(
    bench: Bench, members: Sequence[Member], process: psutil.Process, number: int = 1
) -> float:
    """Megabytes that the process had at most beyond what it had before so many uploads at once.

    Each member makes two of them at most: of more, the service would let some wait.
    """
    before = most = process.memory_info().rss
    with ThreadPoolExecutor(number) as threads:
        uploads = [threads.submit(_upload, bench, members[n // 2]) for n in range(number)]
        while wait(uploads, _POLL_SECONDS).not_done:
            most = max(most, process.memory_info().rss)
    for upload in uploads:
        upload.result()
    return (most - before) / MEGABYTE


def _upload(bench: Bench, member: Member) -> None:
    client = http.client.HTTPConnection("127.0.0.1", bench.system.public["resource"], timeout=60)
    headers = {
        "Authorization": bearers(bench, member)[0],
        "User-Agent": USER_AGENT,
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Content-Length": str(len(_BODY)),
    }
    client.request("POST", "/api/v2/resource/documents", _BODY, headers)
    response = client.getresponse()
    answer = response.read()
    if response.status != http.HTTPStatus.CREATED:
        raise RuntimeError(f"an upload was answered with {response.status}: {answer!r}")


def _part(name: str, content: bytes, more: str = "") -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


_BODY = b"".join(
    [
        *(_part(name, value.encode()) for name, value in _FORM.items()),
        _part("upload[]", _PNG.ljust(10 * MEGABYTE, b"x"), '; filename="a.png"'),
        f"--{_BOUNDARY}--\r\n".encode(),
    ]
)


@contextmanager
def _bucket() -> Iterator[Mapping[str, str]]:
    """moto's S3 in a process of its own; what the services are told of it."""
    (port,) = ports.free_ports(1)
    stand_in = S3StandIn(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(_TRIES):
            try:
                urllib.request.urlopen(
                    urllib.request.Request(f"{stand_in.url}/{BUCKET}", method="PUT")
                )
                break
            except OSError:
                time.sleep(0.1)
        yield {**stand_in.settings, "BARONG_STORAGE_TIMEOUT": "30"}
    finally:
        process.kill()
        process.wait()
