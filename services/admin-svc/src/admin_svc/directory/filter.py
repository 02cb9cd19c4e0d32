"""What users are looked for by."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from admin_svc.directory.keeping.facets import PROFILE_FIELDS, label_facet, profile_facet

_WORD = re.compile(r"[^\W_]")
_TRIGRAM = re.compile(r"[^\W_]{3}")


def is_searchable(text: str) -> bool:
    """Whether an index finds a text: it goes by three letters or digits side by side, anywhere.

    A text without such is looked for where an e-mail or a name begins, with a letter or digit.
    """
    return bool(_TRIGRAM.search(text) or _WORD.match(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """What a user has to be like to be found; None lets everyone pass.

    An e-mail and names are compared regardless of case; a name or country is that of any of their
    profiles, a label is (scope, key, value). Spans hold their beginning and not their end.
    `waiting` finds only users whose documents wait for a verdict.
    """

    uid: str | None = None
    email: str | None = None
    role: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    level: int | None = None
    state: str | None = None
    label: tuple[str, str, str] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    waiting: bool = False
    q: str | None = None

    @property
    def facets(self) -> list[str]:
        """What he has to have attached to himself."""
        said = {name: getattr(self, name) for name in PROFILE_FIELDS}
        facets = [profile_facet(name, value) for name, value in said.items() if value is not None]
        return facets + ([label_facet(*self.label)] if self.label else [])

    @property
    def pattern(self) -> str | None:
        """What `q` looks for as a pattern of LIKE, in which nothing that was typed means more."""
        if self.q is None:
            return None
        literal = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in self.q.lower())
        return f"%{literal}%" if _TRIGRAM.search(self.q) else f"%\n{literal}%"

    @property
    def clock(self) -> Literal["created", "updated"]:
        """Which moments the span is about."""
        return "updated" if self.updated_from or self.updated_to else "created"

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """From when to when that was."""
        if self.clock == "updated":
            return self.updated_from, self.updated_to
        return self.created_from, self.created_to

    def within(self, start: datetime | None, end: datetime | None) -> "UserFilter":
        """The same with another span."""
        if self.clock == "updated":
            return replace(self, updated_from=start, updated_to=end)
        return replace(self, created_from=start, created_to=end)

    @property
    def way(self) -> "UserFilter":
        """Whom one meets who walks a list in its order: its index holds nothing else."""
        return UserFilter(
            created_from=self.created_from,
            created_to=self.created_to,
            updated_from=self.updated_from,
            updated_to=self.updated_to,
            waiting=self.waiting,
        )

    @property
    def is_counted(self) -> bool:
        """Whether counts of such users are kept."""
        return not any((self.uid, self.email, self.first_name, self.last_name, self.label, self.q))
