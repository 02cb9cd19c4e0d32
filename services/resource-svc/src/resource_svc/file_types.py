"""Kinds of files: their extensions, and the first bytes that prove a kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

HEAD_BYTES = 1024 + 5
"""As many bytes of a file prove its kind."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file, by its media type and its first bytes."""

    media_type: str
    head: re.Pattern[bytes]

    def begins(self, head: bytes) -> bool:
        """Whether a file with these first bytes is one of this kind."""
        return self.head.match(head) is not None


_JPEG = FileType("image/jpeg", re.compile(rb"\xff\xd8\xff"))
_TIFF = FileType("image/tiff", re.compile(rb"II[*+]\x00|MM\x00[*+]"))

FILE_TYPES: Mapping[str, FileType] = {
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "png": FileType("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    # Readers skip what stands before the header, as far as 1024 bytes (ISO 32000-1, annex H,
    # implementation note 13): a byte order mark, lines of a mail or of a printer. Markup, and
    # bytes of another kind of file, are refused: such a file could be read as two things.
    "pdf": FileType(
        "application/pdf",
        re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\r\x1b\x20-\x3b\x3d-\x7e]{0,1024}?%PDF-"),
    ),
    "gif": FileType("image/gif", re.compile(rb"GIF8[79]a")),
    "webp": FileType("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    "heic": FileType(
        "image/heic", re.compile(rb".{4}ftyp(?:hei[cmsx]|hev[cmsx]|m[is]f1)", re.DOTALL)
    ),
    "tif": _TIFF,
    "tiff": _TIFF,
}
"""Every extension whose files have first bytes of their own."""


def extensions(text: str) -> tuple[str, ...]:
    """The extensions of a comma separated list; raises ValueError for one that is not known."""
    listed = tuple(part.strip().lower().removeprefix(".") for part in text.split(","))
    for extension in listed:
        if extension not in FILE_TYPES:
            raise ValueError(f"`{extension}` is none of {', '.join(FILE_TYPES)}.")
    return listed


def extension_of(filename: str) -> str:
    """The text after the last dot, in lower case; empty for `.png`, which is a name."""
    name, _, extension = filename.rpartition(".")
    return extension.lower() if name else ""
