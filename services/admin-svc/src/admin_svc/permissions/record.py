"""A permission as it is kept, shown and told of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.events import Event, Record, without_nulls
from shared.contracts.policy import Permission
from shared.web.answers import milliseconds


@dataclass(frozen=True, slots=True)
class PermissionRecord:
    """A row of the permissions table."""

    id: int
    rule: Permission
    created_at: datetime
    updated_at: datetime

    def shown(self) -> dict[str, Any]:
        """As the API answers."""
        return {
            "id": self.id,
            "action": self.rule.action,
            "role": self.rule.role,
            "verb": self.rule.verb,
            "path": self.rule.path,
            "topic": self.rule.topic,
            "created_at": milliseconds(self.created_at),
            "updated_at": milliseconds(self.updated_at),
        }

    def event(self, happened: str, changes: Record | None = None) -> Event:
        """`model.permission.<happened>`; `changes` are the old values of what changed."""
        return Event(
            name=f"model.permission.{happened}",
            record=without_nulls(self.shown()),
            changes=changes,
        )
