"""The user that a verified bearer token stands for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The user of a verified bearer token; `sid` is the session's, None for calls without one.

    `auth_time` (seconds since the epoch), `amr` and `acr` tell when and how the user was
    authenticated last in that session; without a session nobody was.
    """

    uid: str
    email: str
    role: str
    level: int
    state: str
    referral_uid: str | None
    sid: str | None
    auth_time: int | None = None
    amr: tuple[str, ...] = ()
    acr: str | None = None
