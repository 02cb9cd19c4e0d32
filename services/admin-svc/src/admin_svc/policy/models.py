"""A rule of the policy, as both tables of rules store it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Rule = TypeVar("Rule")


@dataclass(frozen=True, slots=True)
class StoredRule(Generic[Rule]):
    """A permission or a restriction with its id and its times."""

    id: int
    rule: Rule
    created_at: datetime
    updated_at: datetime


def replaced(before: "DataclassInstance", after: "DataclassInstance") -> dict[str, Any]:
    """The old values of the fields that differ."""
    new = asdict(after)
    return {name: value for name, value in asdict(before).items() if value != new[name]}
