"""One measurement beside what it is measured by."""

from dataclasses import dataclass
from typing import Literal

_FORM = "{:<62} {:>16} {:>18} {:>7}  {}"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured; `limit` is what was promised, or a peer measured in the same run."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    must_be: Literal["below", "at least"] = "below"

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the limit."""
        return self.value / self.limit if self.limit else None

    @property
    def met(self) -> bool | None:
        """Whether the promise was kept."""
        if self.limit is None:
            return None
        return self.value < self.limit if self.must_be == "below" else self.value >= self.limit

    def __str__(self) -> str:
        limit = f"{self.must_be} {self.limit:.4g}" if self.limit is not None else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return _FORM.format(self.what, f"{self.value:.4g} {self.unit}", limit, ratio, met)


def heading() -> str:
    """What stands above the rows."""
    return _FORM.format("what", "value", "limit", "ratio", "met")


def percentile(samples: list[float], share: float) -> float:
    """The nearest rank: the least sample that `share` of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-int(share * 10_000) * len(ordered) // 10_000) - 1)]
