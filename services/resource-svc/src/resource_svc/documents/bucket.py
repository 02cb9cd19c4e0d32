"""Objects in a bucket of S3 or a compatible storage, of Google's storage, or in Azure's container.

obstore sends a large file in parts and holds each in memory, 5 MiB at least, because S3 takes no
smaller ones. So a file waits on disk until all of it was received and checked, and then goes in
one request, which obstore signs and aiohttp streams.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

import aiohttp
import obstore
from aiohttp.abc import AbstractStreamWriter
from obstore.store import AzureStore, GCSStore, S3Store
from yarl import URL

from resource_svc.documents.spool import Spool, SpooledFile
from resource_svc.documents.storage import ObjectStorage, unavailable
from resource_svc.file_types import FileType

CONNECT_SECONDS = 2
_PAUSES = (0.1, 0.2)  # seconds before the second attempt, and the last
_SIGNED_FOR = timedelta(minutes=5)
_STORED = (200, 201)
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_ERROR_BYTES = 4096
_ERROR_CODE = re.compile(rb"<Code>(\w+)</Code>", re.ASCII)


class Bucket(ObjectStorage):
    """A bucket or container, which may be silent or read nothing for `patience` seconds."""

    def __init__(
        self, store: S3Store | GCSStore | AzureStore, uploads: int, spool: Spool, patience: float
    ) -> None:
        super().__init__(store, uploads, spool)
        self._bucket = store
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps connections for the time of the block."""
        timeout = aiohttp.ClientTimeout(connect=CONNECT_SECONDS, sock_read=self._patience)
        async with super().opened():
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the turns limit them
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,  # obstore uses the proxy of the environment, too
            ) as self._session:
                yield
            self._session = None

    async def sign(self, keys: Sequence[str], life: timedelta) -> Sequence[str]:
        """A URL for each object, from which anyone can read it for the time of `life`."""
        return await self._signed("GET", keys, life)

    async def _signed(
        self, method: Literal["GET", "PUT"], keys: Sequence[str], life: timedelta
    ) -> Sequence[str]:
        try:
            return await obstore.sign_async(self._bucket, method, keys, life)
        except Exception as error:
            raise unavailable("sign", error) from error

    async def put(self, key: str, file: SpooledFile, filename: str, kind: FileType) -> None:
        """Sends the file in one request, and repeats it after a transient failure."""
        headers = self._headers(file, filename, kind)
        for pause in (*_PAUSES, None):
            try:
                await self._send(key, file, headers)
                break
            except _Failed as failed:
                if pause is None or not failed.transient:
                    raise unavailable("put", failed.reason) from None
                await asyncio.sleep(pause)

    def _headers(self, file: SpooledFile, filename: str, kind: FileType) -> Mapping[str, str]:
        """Headers that the storage repeats to readers, and the digest that it checks."""
        disposition = f'attachment; filename="{filename}"'
        headers = {"Content-Type": kind.media_type, "Content-MD5": file.content_md5}
        if isinstance(self._bucket, AzureStore):
            return headers | {
                "x-ms-blob-type": "BlockBlob",
                "x-ms-blob-content-disposition": disposition,
            }
        return headers | {"Content-Disposition": disposition}

    async def _send(self, key: str, file: SpooledFile, headers: Mapping[str, str]) -> None:
        """Raises `_Failed`, whose reason does not repeat the URL: it authorizes a write."""
        if self._session is None:
            raise _Failed("not opened", transient=False)
        (url,) = await self._signed("PUT", [key], _SIGNED_FOR)
        try:
            async with self._session.put(
                URL(url, encoded=True),
                data=_Body(file, self._patience),
                headers=headers,
                allow_redirects=False,
            ) as answer:
                status, body = answer.status, await answer.content.read(_ERROR_BYTES)
        except TimeoutError:
            raise _Failed("timed out", transient=False) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Failed(type(error).__name__, transient=True) from None
        if status not in _STORED:
            code = _ERROR_CODE.search(body)
            reason = f"{status} {code[1].decode()}" if code else str(status)
            raise _Failed(reason, transient=status in _TRANSIENT)


class _Failed(Exception):
    """The object was probably not stored."""

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient


class _Body(aiohttp.Payload):
    """The body of a request; each attempt reads the file from the beginning."""

    def __init__(self, file: SpooledFile, patience: float) -> None:
        super().__init__(file)
        self._size = file.size
        self._file = file
        self._patience = patience

    async def write(self, writer: AbstractStreamWriter) -> None:
        async for block in self._file.blocks():
            async with asyncio.timeout(self._patience):
                await writer.write(block)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("A file that is uploaded is no text.")
