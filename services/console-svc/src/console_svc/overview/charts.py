"""Bar charts as numbers: the template draws them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEIGHT = 120
WIDTH = 288


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar, which stands for one field: its number, and its place in the drawing."""

    field: str
    number: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour or a day: its number (None is unknown), and where its bar stands."""

    start: str
    number: int | None
    x: float
    width: float
    parts: Sequence[Part]

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> int:
        return self.parts[-1].y


@dataclass(frozen=True, slots=True)
class Chart:
    """A number over time, the last one now; the highest bar fills the drawing."""

    bars: Sequence[Bar]

    @property
    def total(self) -> int:
        return sum(bar.number or 0 for bar in self.bars)

    @property
    def last(self) -> int:
        return self.bars[-1].number or 0


def chart(intervals: Sequence[Mapping[str, Any]], *fields: str) -> Chart:
    """The sums of these fields of intervals, of which each has its part of a bar."""
    highest = max([1, *(_number(each, fields) or 0 for each in intervals)])
    step = WIDTH / len(intervals)
    return Chart(
        [
            Bar(
                each["start"],
                _number(each, fields),
                round(at * step + step / 8, 1),
                round(step * 3 / 4, 1),
                _parts(each, fields, highest),
            )
            for at, each in enumerate(intervals)
        ]
    )


def _number(interval: Mapping[str, Any], fields: Sequence[str]) -> int | None:
    known = [interval[field] for field in fields if interval[field] is not None]
    return sum(known) if known else None


def _parts(interval: Mapping[str, Any], fields: Sequence[str], highest: int) -> list[Part]:
    parts, below = [], 0
    for field in fields:
        number = interval[field] or 0
        begin, end = (round(n * HEIGHT / highest) for n in (below, below + number))
        parts.append(Part(field, number, HEIGHT - end, end - begin))
        below += number
    return parts
