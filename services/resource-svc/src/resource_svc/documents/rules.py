"""What a document may be."""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import date, datetime

from resource_svc.documents.errors import AlreadyExpired, ExpiryNotADate, NoExpiry
from resource_svc.documents.received import ReceivedFile, RefusedFile, SkippedFile
from resource_svc.json_text import is_json

MAX_NUMBER = 128
MAX_METADATA = 5120

_NUMBER = re.compile(r"[A-Za-z0-9 -]+")
_DATES = (
    (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "%Y-%m-%d"),
    (re.compile(r"\d\d[/-]\d\d[/-]\d{4}", re.ASCII), "%d-%m-%Y"),
)


def expiry(text: str | None, *, required: bool, today: date) -> date | None:
    """The day until which a document is good; where none is required, it may be past.

    Raises `NoExpiry`, `ExpiryNotADate` or `AlreadyExpired`.
    """
    if not required and not (text and text.strip()):
        return None
    if not text:
        raise NoExpiry
    day = _day(text.strip())
    if required and day < today:
        raise AlreadyExpired
    return day


def _day(text: str) -> date:
    for pattern, layout in _DATES:
        if pattern.fullmatch(text):
            try:
                return datetime.strptime(text.replace("/", "-"), layout).date()  # noqa: DTZ007 - a day has no zone
            except ValueError:
                break
    raise ExpiryNotADate


def are_too_many(files: Sequence[ReceivedFile]) -> bool:
    """Whether a file was left out though none was refused: the user may have no more."""
    kinds = {type(file) for file in files}
    return SkippedFile in kinds and RefusedFile not in kinds


def faults(
    files: Sequence[ReceivedFile],
    doc_type: str,
    doc_number: str,
    metadata: str | None,
    types: Set[str],
) -> Iterator[str]:
    """Codes of everything that is wrong, in Barong's order; `types` are those configured."""
    yield from _upload_faults(files)
    if doc_type not in types:
        yield "doc_type.inclusion"
    if metadata is not None:
        if len(metadata) > MAX_METADATA:
            yield "metadata.too_long"
        if not is_json(metadata):
            yield "metadata.invalid_format"
    if len(doc_number) > MAX_NUMBER:
        yield "doc_number.too_long"
    if not _NUMBER.fullmatch(doc_number):
        yield "doc_number.invalid"


def _upload_faults(files: Iterable[ReceivedFile]) -> Iterator[str]:
    refused = dict.fromkeys(file.code for file in files if isinstance(file, RefusedFile))
    yield from (code for code in refused if code != BLANK)
    if refused:
        yield BLANK


BLANK = "upload.blank"
"""Nothing was uploaded that could be kept."""
