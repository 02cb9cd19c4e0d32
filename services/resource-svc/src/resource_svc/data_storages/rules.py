"""What a data storage may be called, and what it may hold."""

from collections.abc import Iterator, Set

from resource_svc.json_text import is_json

MAX_DATA = 5120
EXCLUDED = frozenset({"document", "label", "profile", "phone", "user"})
"""Never titles, whatever is configured: such a label would be taken for another thing's."""


def data_faults(data: str) -> Iterator[str]:
    """Codes of what is wrong with the data."""
    if len(data) > MAX_DATA:
        yield "data.too_long"
    if not is_json(data):
        yield "data.invalid_format"


def title_faults(title: str, titles: Set[str]) -> Iterator[str]:
    """Codes of what is wrong with the title; `titles` are those that are configured."""
    if title not in titles:
        yield "title.inclusion"
    if title in EXCLUDED:
        yield "title.exclusion"
