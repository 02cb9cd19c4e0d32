"""Message bodies: where each ends, and how chunked bodies are read and written (RFC 9112)."""

import re
from collections.abc import Iterable
from typing import Protocol

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n")
_MAX_LINE_BYTES = 4096
_MAX_TRAILER_BYTES = 16_384

LAST_CHUNK = b"0\r\n\r\n"


class BrokenBody(Exception):
    """The chunked coding of a body is malformed."""


class BodyReader(Protocol):
    """Finds the end of one body."""

    done: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Splits `data` into body and whatever follows the body; raises `BrokenBody`."""
        ...


class FixedLength:
    """A body with a Content-Length."""

    __slots__ = ("_remaining", "done")

    def __init__(self, length: int) -> None:
        self._remaining = length
        self.done = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        if len(data) < self._remaining:
            self._remaining -= len(data)
            return data, b""
        end, self._remaining, self.done = self._remaining, 0, True
        return data[:end], data[end:]


class UntilClosed:
    """A response body without a length, which ends when the connection closes."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        return data, b""


class Chunked:
    """A chunked body (RFC 9112, 7.1). Chunk extensions are ignored.

    `trailers` are the trailer lines with their line breaks, if `keeps_trailers`.
    """

    __slots__ = (
        "_keeps_trailers",
        "_partial_line",
        "_read_line",
        "_remaining",
        "_trailer_bytes",
        "done",
        "trailers",
    )

    def __init__(self, *, keeps_trailers: bool = False) -> None:
        self.done = False
        self.trailers: list[bytes] = []
        self._keeps_trailers = keeps_trailers
        self._remaining = 0  # bytes of the current chunk
        self._read_line = self._read_size  # reads the next line
        self._partial_line = b""  # the part of that line that has arrived
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        if self._partial_line:
            data, self._partial_line = self._partial_line + data, b""
        parts: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._remaining:
                part = data[at : at + self._remaining]
                parts.append(part)
                self._remaining -= len(part)
                at += len(part)
            elif end := data.find(b"\n", at, at + _MAX_LINE_BYTES) + 1:
                self._read_line(data[at:end])
                at = end
            elif len(data) - at >= _MAX_LINE_BYTES:
                raise BrokenBody
            else:
                self._partial_line = data[at:]
                break
        else:
            return b"".join(parts), data[at:]
        return b"".join(parts), b""

    def _read_size(self, line: bytes) -> None:
        found = _SIZE_LINE.fullmatch(line)
        if found is None:
            raise BrokenBody
        self._remaining = int(found[1], 16)
        self._read_line = self._read_chunk_end if self._remaining else self._read_trailer

    def _read_chunk_end(self, line: bytes) -> None:
        if line != b"\r\n":
            raise BrokenBody
        self._read_line = self._read_size

    def _read_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if line == b"\r\n":
            self.done = True
        elif self._trailer_bytes > _MAX_TRAILER_BYTES or not _TRAILER.fullmatch(line):
            raise BrokenBody
        elif self._keeps_trailers:
            self.trailers.append(line)


def last_chunk(trailers: Iterable[str]) -> bytes:
    """The last chunk, followed by these trailers."""
    lines = "".join(f"{line}\r\n" for line in trailers)
    return b"0\r\n%b\r\n" % lines.encode("utf-8", "surrogateescape")


def chunk(content: bytes) -> bytes:
    """One chunk; `content` must not be empty."""
    return b"%x\r\n%b\r\n" % (len(content), content)
