"""Files in forms: they wait on disk, and only so many forms are taken at the same time."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

from shared.errors import Throttled
from shared.values.addresses import Address

_BUSY_SECONDS = 5


class Busy(Throttled):
    """There are too many uploads, or another one of the same client."""

    codes = ("console.busy",)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as it came; nothing is known of what it holds."""

    filename: str
    content: IO[bytes]


class ReceivedFiles:
    """Takes the files of one form (`FileReceiver`); they are gone when `exits` closes."""

    def __init__(self, max_body_bytes: int, folder: str, exits: ExitStack) -> None:
        self.max_body_bytes = max_body_bytes
        self._folder = folder or None
        self._exits = exits

    async def receive(
        self, parameter: str, filename: str, content: AsyncIterator[bytes]
    ) -> UploadedFile:
        """Writes a file to disk."""
        file = self._exits.enter_context(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 - exits closes it
        async for chunk in content:
            await asyncio.to_thread(file.write, chunk)
        file.seek(0)
        return UploadedFile(filename, file)


class Uploads:
    """Counts forms with files, in total and of each client."""

    def __init__(self, limit: int, max_bytes: int, folder: str) -> None:
        self._limit = limit
        self._folder = folder
        self._max_bytes = max_bytes
        self._clients: set[Address] = set()

    @contextmanager
    def one(self, client: Address) -> Iterator[ReceivedFiles]:
        """Takes the files of one form for the time of the block; raises `Busy`."""
        if client in self._clients or len(self._clients) >= self._limit:
            raise Busy(_BUSY_SECONDS)
        self._clients.add(client)
        try:
            with ExitStack() as exits:
                yield ReceivedFiles(self._max_bytes, self._folder, exits)
        finally:
            self._clients.discard(client)
