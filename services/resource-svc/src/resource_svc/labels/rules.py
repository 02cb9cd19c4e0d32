"""What the key and the value of a label may be, and how many labels a user may have."""

import re
from collections.abc import Iterator

from resource_svc.labels.label import PRIVATE, PUBLIC
from shared.errors import Invalid

MIN_LENGTH, MAX_LENGTH = 3, 255
MAX_PUBLIC_LABELS = 100
"""Nobody needs more; without a limit one user could fill the table."""

SCOPES = (PUBLIC, PRIVATE)
MAX_DESCRIPTION = 255

_ALLOWED = re.compile(r"[a-z0-9_-]+")


def normalized(text: str) -> str:
    """A key or value as it is kept and looked up: trimmed, in lower case."""
    return text.strip().lower()


def check(**texts: str) -> None:
    """Raises `Invalid` with every fault of `key=…` and `value=…`, in the order given."""
    faults = [code for name, text in texts.items() for code in _faults(name, text)]
    if faults:
        raise Invalid(faults)


def check_any(*, scope: str, key: str, value: str, description: str | None) -> None:
    """Raises `Invalid` with every fault of a label that an administrator writes."""
    faults = [*_faults("key", key), *_faults("value", value)]
    if scope not in SCOPES:
        faults.append("scope.inclusion")
    if description is not None and len(description) > MAX_DESCRIPTION:
        faults.append("description.too_long")
    if faults:
        raise Invalid(faults)


def _faults(name: str, text: str) -> Iterator[str]:
    if len(text) < MIN_LENGTH:
        yield f"{name}.too_short"
    if len(text) > MAX_LENGTH:
        yield f"{name}.too_long"
    if not _ALLOWED.fullmatch(text):
        yield f"{name}.invalid"
