"""How far a rebuild has come."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything up to `last_uid` is as the owners say; counted since the rebuild began."""

    last_uid: str
    users: int
    removed: int

    def after(self, last_uid: str, users: int, removed: int) -> "Progress":
        """The place after a page with so many users, and so many that nobody knew."""
        return Progress(last_uid, self.users + users, self.removed + removed)
