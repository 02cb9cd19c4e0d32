"""Values found by the prefixes of a path, compared segment by segment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(slots=True)
class _Node(Generic[V]):
    values: list[V] = field(default_factory=list)
    below: "dict[str, _Node[V]]" = field(default_factory=dict)


class PrefixTree(Generic[V]):
    """A tree whose nodes are segments; it does not change once built."""

    def __init__(self, entries: Iterable[tuple[Sequence[str], V]]) -> None:
        self._root: _Node[V] = _Node()
        for prefix, value in entries:
            node = self._root
            for segment in prefix:
                node = node.below.setdefault(segment, _Node())
            node.values.append(value)

    def along(self, path: Iterable[str]) -> Iterator[V]:
        """The values of every prefix of `path`, the shortest prefix first."""
        node = self._root
        yield from node.values
        for segment in path:
            following = node.below.get(segment)
            if following is None:
                return
            node = following
            yield from node.values
