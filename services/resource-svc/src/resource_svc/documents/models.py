"""Documents, the files that were received for them, and what a document may be."""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from shared.errors import BadRequest, Forbidden, Invalid
from shared.json_text import is_json

MAX_NUMBER = 128
MAX_METADATA = 5120
BLANK = "upload.blank"
"""Nothing was uploaded that can be stored."""

_NUMBER = re.compile(r"[A-Za-z0-9 -]+")
_DATES = (
    (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "%Y-%m-%d"),
    (re.compile(r"\d\d[/-]\d\d[/-]\d{4}", re.ASCII), "%d-%m-%Y"),
)


class TooManyDocuments(BadRequest):
    """The user would have more documents than they may."""

    codes = ("resource.documents.limit_will_be_reached",)


class NoExpiry(Invalid):
    """The day on which the document expires is missing."""

    codes = ("resource.documents.invalid_format",)


class ExpiryNotADate(Invalid):
    """The day on which the document expires is not a date."""

    codes = ("resource.documents.expire_not_a_date",)


class AlreadyExpired(Invalid):
    """The document expired before today."""

    codes = ("resource.documents.already_expired",)


class BadLink(Forbidden):
    """The link is not one of ours, or is too old."""

    codes = ("resource.upload.invalid_link",)


INVALID_DOCUMENT = Invalid(
    (
        *("doc_type.inclusion", "doc_number.too_long", "doc_number.invalid"),
        *("metadata.too_long", "metadata.invalid_format"),
    )
)
"""All codes of what can be wrong with a document, for the API document."""

REFUSED_UPLOAD = Invalid(
    (
        BLANK,
        "upload.content_mismatch",
        "upload.File size should be greater than 1 Byte",
        "upload.File size should be less than 10 MB",
        'upload.You are not allowed to upload "" files, allowed types: jpg, jpeg, png, pdf',
        'upload.You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf',
    )
)
"""Codes of what can be wrong with a file; some of them name the file's extension, or settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of one user; `upload` is the key of its object.

    `version` is that of all documents of the user when this one changed last; it only grows.
    """

    id: int
    uid: str
    upload: str
    doc_type: str
    doc_number: str
    doc_expire: date | None
    metadata: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def expiry(self) -> str | None:
        """YYYY-MM-DD."""
        return self.doc_expire.isoformat() if self.doc_expire else None

    def to_public(self, url: str) -> dict[str, Any]:
        """The `Document` of the public API; the file is at `url`, for a while."""
        return {
            "upload": {"url": url},
            "doc_type": self.doc_type,
            "doc_number": self.doc_number,
            "doc_expire": self.expiry,
        }

    def to_internal(self) -> dict[str, Any]:
        """Everything, for our own services."""
        return {
            **asdict(self),
            "doc_expire": self.expiry,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is in the storage under `key`, and recorded as pending."""

    key: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that may not be uploaded, for the reason that `code` gives."""

    code: str


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was not read: another was refused, there are too many, or it is no upload."""


ReceivedFile = StoredFile | RefusedFile | SkippedFile


def parse_expiry(text: str | None, *, required: bool, today: date) -> date | None:
    """The day on which a document expires; it may be past where none is required.

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
    """Whether a file was skipped though none was refused: the user may have no more."""
    kinds = {type(file) for file in files}
    return SkippedFile in kinds and RefusedFile not in kinds


def faults(
    files: Sequence[ReceivedFile],
    doc_type: str,
    doc_number: str,
    metadata: str | None,
    types: Set[str],
) -> Iterator[str]:
    """Codes of everything that is wrong, in Barong's order; `types` are the configured ones."""
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
