"""Bodies of messages: where each ends, and how chunked ones are read and written."""

import re
from collections.abc import Iterable
from typing import Protocol

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n")
_MAX_LINE_BYTES = 4096
_MAX_TRAILER_BYTES = 16_384

LAST_CHUNK = b"0\r\n\r\n"


class BrokenBody(Exception):
    """What came is no chunked body."""


class BodyReader(Protocol):
    """Finds the end of one body."""

    done: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What of `data` is body, and what stands behind its end; raises `BrokenBody`."""
        ...


class Counted:
    """A body of so many bytes."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        if len(data) < self._left:
            self._left -= len(data)
            return data, b""
        end, self._left, self.done = self._left, 0, True
        return data[:end], data[end:]


class UntilClosed:
    """A body that ends with the connection."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        return data, b""


class Chunked:
    """A chunked body, RFC 9112, 7.1; extensions mean nothing here.

    `trailers` are the lines behind it, if they are kept.
    """

    __slots__ = ("_keeps", "_kept", "_left", "_line", "_trailer_bytes", "done", "trailers")

    def __init__(self, *, keeps_trailers: bool = False) -> None:
        self.done = False
        self.trailers: list[bytes] = []
        self._keeps = keeps_trailers
        self._left = 0  # of the chunk's content
        self._line = self._size  # what is to be made of the next line
        self._kept = b""  # the beginning of that line
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        if self._kept:
            data, self._kept = self._kept + data, b""
        parts: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._left:
                part = data[at : at + self._left]
                parts.append(part)
                self._left -= len(part)
                at += len(part)
            elif end := data.find(b"\n", at, at + _MAX_LINE_BYTES) + 1:
                self._line(data[at:end])
                at = end
            elif len(data) - at >= _MAX_LINE_BYTES:
                raise BrokenBody
            else:
                self._kept = data[at:]
                break
        else:
            return b"".join(parts), data[at:]
        return b"".join(parts), b""

    def _size(self, line: bytes) -> None:
        found = _SIZE_LINE.fullmatch(line)
        if found is None:
            raise BrokenBody
        self._left = int(found[1], 16)
        self._line = self._end_of_chunk if self._left else self._trailer

    def _end_of_chunk(self, line: bytes) -> None:
        if line != b"\r\n":
            raise BrokenBody
        self._line = self._size

    def _trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if line == b"\r\n":
            self.done = True
        elif self._trailer_bytes > _MAX_TRAILER_BYTES or not _TRAILER.fullmatch(line):
            raise BrokenBody
        elif self._keeps:
            self.trailers.append(line)


def last_chunk(trailers: Iterable[str]) -> bytes:
    """The end of a chunked body with these lines behind it."""
    lines = "".join(f"{line}\r\n" for line in trailers)
    return b"0\r\n%b\r\n" % lines.encode("utf-8", "surrogateescape")


def chunk(content: bytes) -> bytes:
    """`content`, which is not empty, as one chunk."""
    return b"%x\r\n%b\r\n" % (len(content), content)
