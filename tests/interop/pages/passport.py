"""A picture like that of a passport, for pages that show documents."""

import struct
import zlib

WIDTH, HEIGHT = 480, 320
_PAPER, _INK, _SKIN, _PHOTO = (236, 240, 246), (84, 98, 120), (196, 164, 140), (206, 216, 230)


def passport() -> bytes:
    """The page of an imaginary passport as a PNG (ISO/IEC 15948)."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(WIDTH) for part in _colour(x, y)) for y in range(HEIGHT)
    )
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _colour(x: int, y: int) -> tuple[int, int, int]:
    """A photograph at the left, lines of print beside it, and the zone that machines read below."""
    if 32 <= x < 152 and 40 <= y < 200:
        head = (x - 92) ** 2 + (y - 104) ** 2 < 36**2
        shoulders = (x - 92) ** 2 + ((y - 210) * 1.2) ** 2 < 62**2
        return _SKIN if head else _INK if shoulders else _PHOTO
    if 184 <= x < 304 + (y - 40) // 32 * 53 % 120 and 40 <= y < 200 and (y - 40) % 32 < 10:
        return _INK
    if 32 <= x < 448 and y in (*range(244, 258), *range(276, 290)) and x % 13 < 9:
        return _INK
    return _PAPER
