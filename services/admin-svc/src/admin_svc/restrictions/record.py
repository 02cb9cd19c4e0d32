"""A restriction as it is kept, shown and told of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from admin_svc.restrictions.rules import Terms
from shared.contracts.events import Event, Record
from shared.web.answers import milliseconds


@dataclass(frozen=True, slots=True)
class RestrictionRecord:
    """A row of the restrictions table."""

    id: int
    terms: Terms
    created_at: datetime
    updated_at: datetime

    def shown(self) -> dict[str, Any]:
        """As the API answers."""
        return {
            "id": self.id,
            "category": self.terms.category,
            "scope": self.terms.scope,
            "value": self.terms.value,
            "code": self.terms.code,
            "state": self.terms.state,
            "created_at": milliseconds(self.created_at),
            "updated_at": milliseconds(self.updated_at),
        }

    def event(self, happened: str, changes: Record | None = None) -> Event:
        """`model.restriction.<happened>`; `changes` are the old values of what changed."""
        return Event(
            name=f"model.restriction.{happened}",
            record=self.shown(),
            changes=changes,
        )
