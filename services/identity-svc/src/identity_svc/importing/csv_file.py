"""Reads a table that was exported as CSV (RFC 4180, with a header), in several dialects.

Databases write it in UTF-8 with commas. Spreadsheet programs also use semicolons or tabs, begin
with a byte order mark, and may write UTF-16.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TextIO

MAX_LINE = 1024 * 1024
_DELIMITERS = (",", ";", "\t")
_NULLS = frozenset({"", "NULL", "\\N"})  # as MySQL and PostgreSQL write it


class UnusableFile(Exception):
    """Nothing can be imported from the file; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values without blank ones, or why they cannot be read."""

    line: int
    """The line of the file where it begins, counted from 1."""
    values: dict[str, str] = field(default_factory=dict, repr=False)
    fault: str | None = None


class CsvFile:
    """A file that is read once, from beginning to end."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        lines = _lines(file)
        header = next(lines, "")
        self._reader = csv.reader(chain([header], lines), delimiter=_delimiter(header), strict=True)
        self.size = path.stat().st_size
        self.columns = self._header()

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["CsvFile"]:
        """Opens the file for the time of the block; raises `UnusableFile`, as reading does."""
        try:
            encoding = _encoding(path)
            errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
            file = path.open(encoding=encoding, errors=errors, newline="")
        except OSError as error:
            raise UnusableFile(f"{path} cannot be read: {error.strerror}") from None
        with file:
            yield cls(path, file)

    @property
    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._file.buffer.tell()

    def demand(self, wanted: Iterable[str]) -> None:
        """Raises `UnusableFile` unless the file has all these columns."""
        if missing := [column for column in wanted if column not in self.columns]:
            raise UnusableFile(f"{self._path} lacks columns: {', '.join(missing)}")

    def __iter__(self) -> Iterator[Row]:
        while True:
            line = self._reader.line_num + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                yield Row(line, fault="row.unreadable")
                continue
            if fields:
                yield self._row(line, fields)

    def _header(self) -> list[str]:
        try:
            columns = [column.strip().lower() for column in next(self._reader, [])]
        except csv.Error as error:
            raise UnusableFile(f"{self._path} is no CSV: {error}") from None
        if len(set(columns)) < len(columns):
            raise UnusableFile(f"{self._path} has two columns of the same name")
        return columns

    def _row(self, line: int, fields: list[str]) -> Row:
        if len(fields) != len(self.columns):
            return Row(line, fault="row.columns")
        text = "".join(fields)
        if not _is_utf8(text):
            return Row(line, fault="row.encoding")
        if "\x00" in text:
            return Row(line, fault="row.nul")
        pairs = ((column, text.strip()) for column, text in zip(self.columns, fields, strict=True))
        return Row(line, {column: text for column, text in pairs if text not in _NULLS})


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        begins = file.read(2)
    return "utf-16" if begins in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _delimiter(header: str) -> str:
    """The character between the names of columns, which contain none of it."""
    return max(_DELIMITERS, key=header.count)


def _lines(file: TextIO) -> Iterator[str]:
    """The file's lines; those that are too long are cut, so a bad file takes no more memory."""
    try:
        while line := file.readline(MAX_LINE):
            yield line
            while len(line) == MAX_LINE and not line.endswith("\n"):
                line = file.readline(MAX_LINE)
    except OSError as error:
        raise UnusableFile(f"{file.name} cannot be read: {error.strerror}") from None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
