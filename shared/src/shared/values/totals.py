"""The number of all records of a list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Total:
    """The number of records; if not `exact`, there are more than `number`."""

    number: int
    exact: bool = True
