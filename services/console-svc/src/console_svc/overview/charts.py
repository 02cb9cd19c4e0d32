"""Bar charts as numbers: the template draws them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

HEIGHT = 120
_STEP = 40
_BAR = 28


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: its count, and where its bar stands, in units of the drawing."""

    day: date
    count: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Counts by day, the last one today."""

    bars: Sequence[Bar]

    @property
    def total(self) -> int:
        return sum(bar.count for bar in self.bars)

    @property
    def width(self) -> int:
        return _STEP * len(self.bars)


def chart(counts: Mapping[str, int], days: int) -> Chart:
    """The last `days` days of counts by YYYY-MM-DD; the highest bar fills the drawing."""
    today = datetime.now(UTC).date()
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    values = [counts.get(day.isoformat(), 0) for day in shown]
    highest = max([1, *values])
    return Chart(
        [
            Bar(day, value, at * _STEP + 6, HEIGHT - height, _BAR, height)
            for at, (day, value) in enumerate(zip(shown, values, strict=True))
            for height in [round(value * HEIGHT / highest)]
        ]
    )
