"""Chunked bodies: they may be split anywhere, and ambiguous ones are refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_gateway.http.framing import (
    LAST_CHUNK,
    BodyReader,
    BrokenBody,
    Chunked,
    FixedLength,
    UntilClosed,
    chunk,
)


def read(reader: BodyReader, *pieces: bytes) -> tuple[bytes, bytes]:
    """The body, and the bytes that follow it."""
    body = rest = b""
    for number, piece in enumerate(pieces):
        part, rest = reader.feed(piece)
        body += part
        if reader.done:
            return body, rest + b"".join(pieces[number + 1 :])
    return body, rest


CONTENTS = st.lists(st.binary(min_size=1, max_size=30), max_size=5)


@given(CONTENTS, st.lists(st.integers(0, 200), max_size=6), st.sampled_from([b"", b"GET /"]))
def test_a_chunked_body_may_be_split_anywhere(
    contents: list[bytes], cuts: list[int], behind: bytes
) -> None:
    data = b"".join(map(chunk, contents)) + LAST_CHUNK + behind
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(places)]
    assert read(Chunked(), *pieces) == (b"".join(contents), behind)


@pytest.mark.parametrize(
    "data",
    [
        b"3\r\nabc\r\n0\r\n\r\n",
        b"003\r\nabc\r\n000\r\n\r\n",
        b'3;a=b;c="d e"\r\nabc\r\n0;x\r\n\r\n',
        b"3 ;a\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n",
        b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    ],
)
def test_extensions_and_trailers_are_dropped(data: bytes) -> None:
    assert read(Chunked(), data + b"next") == (b"abc", b"next")
    assert read(Chunked(), *(bytes([byte]) for byte in data)) == (b"abc", b"")


@pytest.mark.parametrize(
    "data",
    [
        *(b"\r\nabc\r\n", b"x\r\n", b"-3\r\nabc\r\n", b"+3\r\nabc\r\n", b"0x3\r\nabc\r\n"),
        *(b" 3\r\nabc\r\n", b"3 \r\nabc\r\n", b"3\nabc\r\n", b"3\r\nabc\n0\r\n\r\n", b"3_0\r\n"),
        *(b"3\r\nabcd\r\n", b"3\r\nab\r\n0\r\n", b"3\r\r\nabc\r\n", b"3;\x00\r\nabc\r\n"),
        *(b"3;a\rb\r\nabc\r\n", b"3;a\nb\r\nabc\r\n", b"3a;\x7f\r\n", b"1" * 16 + b"\r\n"),
        *(b"0\r\nX : y\r\n\r\n", b"0\r\n folded\r\n\r\n", b"0\r\n\n", b"0\r\nX\r\n\r\n"),
        *(b"3;" + b"a" * 5000, b"0\r\n" + b"X: y\r\n" * 5000, b"0\r\nX: " + b"y" * 5000),
        b"3\r\nabcX\n",
    ],
)
def test_malformed_chunks_are_refused(data: bytes) -> None:
    with pytest.raises(BrokenBody):
        read(Chunked(), data)
    with pytest.raises(BrokenBody):
        read(Chunked(), *(bytes([byte]) for byte in data))


@given(st.binary(max_size=60))
def test_the_result_does_not_depend_on_how_bytes_are_split(data: bytes) -> None:
    def outcome(*pieces: bytes) -> object:
        try:
            return read(Chunked(), *pieces)
        except BrokenBody:
            return "broken"

    assert outcome(data) == outcome(*(bytes([byte]) for byte in data))


def test_a_body_with_a_length_ends_there() -> None:
    assert read(FixedLength(5), b"ab", b"cdefg") == (b"abcde", b"fg")
    assert FixedLength(0).done


def test_a_body_until_close_has_no_other_end() -> None:
    reader = UntilClosed()
    assert read(reader, b"ab", b"cd") == (b"abcd", b"")
    assert not reader.done
