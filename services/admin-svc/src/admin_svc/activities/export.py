"""Activities as files: CSV (RFC 4180) as spreadsheet programs read it, and JSON Lines."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from admin_svc.activities.models import FoundActivity
from admin_svc.activities.schemas import CSV, JSON_LINES
from shared.values.timestamps import milliseconds

COLUMNS = (
    *("id", "created_at", "category", "uid", "email", "role", "topic", "action", "result"),
    *("target_uid", "target_email", "user_ip", "user_agent", "data"),
)

# Full-width signs as well, which begin formulas where they are typed.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BYTE_ORDER_MARK = "\ufeff".encode()
"""Without it, spreadsheet programs read UTF-8 as the encoding of their country."""


class FileFormat(NamedTuple):
    """How to write a file of activities: `heading` first, then the `lines` of each batch."""

    content_type: str
    name: str
    heading: bytes
    lines: Callable[[Iterable[FoundActivity]], bytes]


def row(found: FoundActivity) -> dict[str, Any]:
    """An activity in full, by `COLUMNS`."""
    activity = found.activity
    return {
        "id": str(activity.id),
        "created_at": milliseconds(activity.created_at),
        "category": activity.category,
        "uid": activity.uid,
        "email": found.user.email if found.user else None,
        "role": found.user.role if found.user else None,
        "topic": activity.topic,
        "action": activity.action,
        "result": activity.result,
        "target_uid": activity.target_uid,
        "target_email": found.target.email if found.target else None,
        "user_ip": activity.user_ip,
        "user_agent": activity.user_agent,
        "data": activity.data,
    }


def csv_lines(activities: Iterable[FoundActivity]) -> bytes:
    """Lines of CSV."""
    return _csv([_inert(cell) for cell in row(found).values()] for found in activities)


def json_lines(activities: Iterable[FoundActivity]) -> bytes:
    """Lines with a JSON object each."""
    dumped = (
        json.dumps(row(found), ensure_ascii=False, separators=(",", ":")) for found in activities
    )
    return "".join(f"{line}\n" for line in dumped).encode()


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return file.getvalue().encode()


def _inert(cell: Any) -> Any:
    """The cell, made so that no spreadsheet reads it as a formula: users choose some of them."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell


FORMATS = {
    CSV: FileFormat(
        "text/csv; charset=utf-8",
        "activities.csv",
        _BYTE_ORDER_MARK + _csv([COLUMNS]),
        csv_lines,
    ),
    JSON_LINES: FileFormat("application/x-ndjson", "activities.jsonl", b"", json_lines),
}

_ACCEPTED = {"text/csv": CSV, "application/x-ndjson": JSON_LINES, "application/jsonl": JSON_LINES}


def file_format(asked: str | None, accept: str) -> FileFormat | None:
    """The format of a call, by its parameter or its `Accept`; None for a page in JSON.

    The first known media type of `Accept` counts, whatever its weight.
    """
    for word in [] if asked else accept.lower().split(","):
        media_type = word.partition(";")[0].strip()
        if media_type in ("application/json", "*/*", "application/*"):
            break
        asked = asked or _ACCEPTED.get(media_type)
    return FORMATS[asked] if asked else None
