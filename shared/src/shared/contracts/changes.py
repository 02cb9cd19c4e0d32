"""The subjects that a call changed, which its answer names to the gateway in a header.

The gateway drops its cached answers about these subjects before it sends the answer to the client,
so that the client's next call finds the change in force. Other gateways receive an event.
"""

import re
from collections.abc import Collection, Iterable
from contextvars import ContextVar

from shared.contracts.events import Event

CHANGED_HEADER = "X-Barong-Changed"
"""A comma separated list of subjects, in answers of our own services; no client sees it."""

POLICY = "policy"
"""Permissions or restrictions changed."""

EVERYTHING = "everything"
"""More changed than is listed."""

_USER = "user:"
_UID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MOST = 20
"""The largest number of subjects in the header."""

_noted: ContextVar[dict[str, bool] | None] = ContextVar("changes", default=None)
"""The subjects, and whether this service changed them, or another one that it called."""


def begin_noting() -> None:
    """Starts to note changes in this context; none is noted yet."""
    _noted.set({})


def noted() -> str:
    """The value of the header; empty for no changes."""
    return _header(_noted.get() or {})


def noted_here() -> str:
    """The same without subjects that other services changed: those publish them themselves."""
    return _header([subject for subject, here in (_noted.get() or {}).items() if here])


def _header(changes: Collection[str]) -> str:
    return ", ".join(changes) if len(changes) <= _MOST else EVERYTHING


def note(changes: Iterable[str], *, here: bool = True) -> None:
    """Notes subjects, if this context notes any; with `here`, this service changed them."""
    noting = _noted.get()
    if noting is not None and len(noting) <= _MOST:
        for subject in changes:
            noting[subject] = here or noting.get(subject, False)


def listed(header: str) -> list[str]:
    """The subjects in the value of a header."""
    return [subject for part in header.split(",") if (subject := part.strip())]


def uid_of(subject: str) -> str | None:
    """The uid of a subject that is a user, None for other subjects."""
    return subject.removeprefix(_USER) if subject.startswith(_USER) else None


def changes_of(event: Event) -> tuple[str, ...]:
    """The subjects whose cached answers at gateways an event makes outdated."""
    match event.name.split("."):
        case ["model", "permission" | "restriction", _]:
            return (POLICY,)
        case ["model", "user", "updated"] | ["model", "api_key", _]:
            pass
        case ["system", "session", "revoked"] | ["system", "user", "password", _]:
            pass
        case ["system", "oauth", "token", "revoked"] if event.record.get("uid"):
            pass
        case _:
            return ()
    return changes_of_user(event.record.get("user", event.record).get("uid"))


def changes_of_user(uid: object) -> tuple[str, ...]:
    """The subject that is this user; everything, where a header cannot carry the uid."""
    return (f"{_USER}{uid}",) if isinstance(uid, str) and _UID.fullmatch(uid) else (EVERYTHING,)
