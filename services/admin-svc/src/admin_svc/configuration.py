"""Configuration files: YAML lists, which are read completely or refused with every fault."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from shared.declared import Faults, load
from shared.settings import SettingsError

T = TypeVar("T")


def read_entries(
    file: Path,
    declaration: type[T],
    conflicts: Callable[[list[T]], Iterable[str]] = lambda _: (),
) -> list[T]:
    """The entries of a file, each a `declaration` made with `declared`.

    Raises `SettingsError` with a line for each fault of each entry, and for each of the conflicts
    between those entries that could be read.
    """
    entries, faults = [], []
    for number, raw in enumerate(_list(file), 1):
        try:
            entries.append(_entry(declaration, raw))
        except Faults as error:
            faults += [
                f"{file}, entry {number}: {key}: {message}"
                for key, messages in error.by_key.items()
                for message in messages
            ]
    faults += [f"{file}: {conflict}" for conflict in conflicts(entries)]
    if faults:
        raise SettingsError(faults)
    return entries


def _list(file: Path) -> list[Any]:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError([f"{file}: {error.strerror}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError([f"{file} is no YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(content, list):
        raise SettingsError([f"{file} is no list"])
    return content


def _entry(declaration: type[T], raw: Any) -> T:
    """The entry; unlike in a request, an unknown key is a fault: it is a typing error."""
    if not isinstance(raw, dict):
        raise Faults({"entry": [f"{raw!r} is no mapping"]})
    known = {field.name for field in fields(declaration)}  # type: ignore[arg-type]  # a dataclass
    faults = {str(key): ["is no key of an entry"] for key in raw if key not in known}
    try:
        entry = load(declaration, raw)
    except Faults as error:
        raise Faults({**faults, **error.by_key}) from None
    if faults:
        raise Faults(faults)
    return entry
