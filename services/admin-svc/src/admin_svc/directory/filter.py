"""What users are looked for by."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """What a user has to be like to be found; None lets everyone pass.

    An e-mail is compared regardless of case. Spans hold their beginning and not their end.
    """

    uid: str | None = None
    email: str | None = None
    role: str | None = None
    level: int | None = None
    state: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
