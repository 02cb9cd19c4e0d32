"""The permissions file: what every installation starts with."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import structlog
from marshmallow import ValidationError
from marshmallow.fields import Field

from admin_svc.configuration import read_entries
from admin_svc.permissions.models import MAX_WORD, action, identity, path, verb
from shared.contracts.policy import Permission
from shared.declared import declared
from shared.errors import Invalid

log = structlog.get_logger()

_ROLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_permissions(file: Path) -> tuple[Permission, ...]:
    """The permissions that the file's entries stand for, in their order.

    An entry is {role, verb, path, action[, topic]}; role, verb and path may be lists, and then it
    stands for every combination. A permission that is there twice, by an alias of its path for
    instance, counts once and is logged. Raises `SettingsError` with every fault.
    """
    permissions: dict[tuple[str, str, str, str], Permission] = {}
    for permission in _permissions(read_entries(file, _Entry)):
        words = identity(permission)
        if permissions.setdefault(words, permission) is not permission:
            log.warning("permission_said_twice", file=str(file), permission=" ".join(words))
    return tuple(permissions.values())


def _role(text: str) -> str:
    if not _ROLE.fullmatch(text):
        raise Invalid
    return text


def _topic(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > MAX_WORD:
        raise Invalid
    return text.strip()


class _Word(Field[Any]):
    """A text as `read` returns it; `read` raises `Invalid` for one that it refuses."""

    def __init__(self, read: Callable[[str], str], *, required: bool = True) -> None:
        super().__init__(required=required, error_messages={"required": "is missing"})
        self._read = read

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self._words([value])[0]

    def _words(self, values: list[Any]) -> tuple[str, ...]:
        words, faults = [], []
        for value in values:
            try:
                words.append(self._read(value if isinstance(value, str) else ""))
            except Invalid:
                faults.append(f"{value!r} is not allowed")
        if faults:
            raise ValidationError(faults)
        return tuple(words)


class _Words(_Word):
    """One such text, or a list of them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self._words(value if isinstance(value, list) and value else [value])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    role: tuple[str, ...] = declared(_Words(_role))
    verb: tuple[str, ...] = declared(_Words(verb))
    path: tuple[str, ...] = declared(_Words(path))
    action: str = declared(_Word(action))
    topic: str | None = declared(_Word(_topic, required=False), None)


def _permissions(entries: Iterable[_Entry]) -> Iterable[Permission]:
    for entry in entries:
        for words in product(entry.role, entry.verb, entry.path):
            yield Permission(*words, entry.action, entry.topic)
