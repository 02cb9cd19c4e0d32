"""What comes in to the operations on documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from resource_svc.documents.models import BLANK, ReceivedFile, RefusedFile
from shared.declared import declared
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Absence, Text

MAX_LINKS = 10_000

_MISSING = Absence("resource.document.missing_upload")


class _DocumentText(Text):
    """Text of any length: the rules answer with a code of their own."""

    def __init__(self, name: str, invalid: str) -> None:
        empty = f"resource.document.empty_{name}"
        super().__init__(
            missing=(f"resource.document.missing_{name}", empty),
            empty=empty,
            invalid=invalid,
            maximum=MAX_BODY_BYTES,
        )


class _Files(fields.Field[list[ReceivedFile]]):
    """The files that were received; a text under this name is a refused file."""

    def __init__(self) -> None:
        super().__init__(required=True, error_messages={"required": [_MISSING], "null": [_MISSING]})

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[ReceivedFile]:
        if value == []:
            raise ValidationError([_MISSING])
        sent = value if isinstance(value, list) else [value]
        return [file if isinstance(file, ReceivedFile) else RefusedFile(BLANK) for file in sent]

    def codes(self) -> Iterator[str]:
        """The only one: refused files are the documents' faults."""
        yield _MISSING

    def json_schema(self) -> dict[str, Any]:
        """For the API document: several files may be sent under this name."""
        return {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}


class _Expiry(Text):
    """A date, which the rules parse; an empty one is none, and spaces are a wrong one."""

    def blank(self, value: str | None) -> str | None:
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentForm:
    """POST /documents: every file becomes a document, with the same type, number and expiry."""

    doc_type: str = declared(_DocumentText("doc_type", "doc_type.inclusion"))
    doc_number: str = declared(_DocumentText("doc_number", "doc_number.invalid"))
    upload: list[ReceivedFile] = declared(_Files())
    doc_expire: str | None = declared(
        _Expiry(invalid="resource.documents.expire_not_a_date", maximum=MAX_BODY_BYTES), None
    )
    metadata: str | None = declared(
        Text(invalid="metadata.invalid_format", maximum=MAX_BODY_BYTES, lines=True), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLinksForm:
    """POST /uploads/links."""

    keys: Sequence[str] = declared(
        fields.List(fields.String(), required=True, validate=validate.Length(0, MAX_LINKS))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkForm:
    """GET /uploads/{key}: a link of ours, as it was made."""

    key: str = declared(Text())
    expires: str | None = declared(Text(), None)
    signature: str | None = declared(Text(), None)
