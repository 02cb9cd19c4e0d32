"""Who makes a change."""

from dataclasses import dataclass

from shared.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Author:
    """An administrator and the role in which he came, or what else changes things by itself."""

    uid: str | None
    role: str

    @classmethod
    def of(cls, principal: Principal) -> "Author":
        """The caller."""
        return cls(principal.uid, principal.role)


SEED = Author(None, "seed")
"""The command that adds missing permissions."""

WHITELINK = Author(None, "whitelink")
"""Whoever holds the token of a whitelink."""

BREAK_GLASS = Author(None, "break-glass")
"""The command that switches restrictions off."""
