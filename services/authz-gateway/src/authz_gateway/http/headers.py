"""The headers of one message."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

from multidict import MultiMapping

D = TypeVar("D")

_MISSING: Any = object()
_NOTHING: frozenset[str] = frozenset()


class Headers(MultiMapping[str]):
    """Values by name, whatever the name's case; bytes that are no UTF-8 are surrogate escapes.

    `lines` are the header lines as they came, `names` the lower-case name of each, `first` the
    first value of each of these. `derived` has what others concluded from these headers and from
    the connection that they came by, so that they need not again.
    """

    __slots__ = ("_repeated", "derived", "first", "lines", "names")

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.derived: dict[Any, Any] = {}
        self.names: list[str] = []
        self.first: dict[str, str] = {}
        self._repeated: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            name = name.lower()
            value = value.strip(" \t")
            self.names.append(name)
            if name in self.first:
                self._repeated.setdefault(name, [self.first[name]]).append(value)
            else:
                self.first[name] = value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.first

    def __getitem__(self, name: str) -> str:
        return self.first[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str | D) -> str | D: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        """The first value."""
        return self.first.get(key.lower(), default)

    @overload
    def getone(self, key: str) -> str: ...
    @overload
    def getone(self, key: str, default: D) -> str | D: ...
    def getone(self, key: str, default: Any = _MISSING) -> Any:
        """The first value; raises `KeyError` where there is neither one nor a default."""
        return self[key] if default is _MISSING or key in self else default

    @overload
    def getall(self, key: str) -> list[str]: ...
    @overload
    def getall(self, key: str, default: D) -> list[str] | D: ...
    def getall(self, key: str, default: Any = _MISSING) -> Any:
        """Every value in order; raises `KeyError` where there is neither one nor a default."""
        key = key.lower()
        if key in self._repeated:
            return self._repeated[key]
        if key in self.first:
            return [self.first[key]]
        if default is _MISSING:
            raise KeyError(key)
        return default

    def listed(self, name: str) -> frozenset[str]:
        """The members of a comma separated list, in lower case."""
        if name not in self.first:
            return _NOTHING
        values = self._repeated.get(name) or (self.first[name],)
        members = (member.strip(" \t").lower() for value in values for member in value.split(","))
        return frozenset(member for member in members if member)
