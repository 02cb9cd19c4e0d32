"""The user that a verified bearer token stands for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The user of a verified bearer token; `sid` is the session's, None for calls without one."""

    uid: str
    email: str
    role: str
    level: int
    state: str
    referral_uid: str | None
    sid: str | None
