"""The levels file: which private labels make a user's level, in order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from marshmallow import fields, validate

from admin_svc.configuration import read_entries
from shared.declared import declared


def _word() -> fields.String:
    return fields.String(required=True, validate=validate.Regexp(r"[a-z0-9_-]{3,255}\Z"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level: the private label that a user needs for it, besides those of all lower levels."""

    key: str = declared(_word())
    value: str = declared(_word())


def read_levels(file: Path) -> tuple[Level, ...]:
    """The levels, the lowest first; raises `SettingsError` with every fault."""
    return tuple(read_entries(file, Level, _duplicates))


def _duplicates(levels: list[Level]) -> Iterable[str]:
    said = Counter((level.key, level.value) for level in levels)
    return (f"{key}:{value} is said twice" for (key, value), times in said.items() if times > 1)
