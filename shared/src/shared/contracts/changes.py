"""What an answer changed for gateways: the service that made the change tells the one that carries.

The gateway that carries the answer drops what it holds of these subjects before the client sees the
answer, so that the client's next call finds the change in force. Others hear of it by event.
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
"""Subjects that are listed, at most."""

_noted: ContextVar[dict[str, bool] | None] = ContextVar("changes", default=None)
"""Whether each subject was changed here, and not by a service that was asked to."""


def begin_noting() -> None:
    """From now on what is done in this context is noted; nothing was so far."""
    _noted.set({})


def noted() -> str:
    """What was noted, as the header says it; empty for nothing."""
    return _header(_noted.get() or {})


def noted_here() -> str:
    """The same, less what the services that were asked told of: they tell all gateways."""
    return _header([subject for subject, here in (_noted.get() or {}).items() if here])


def _header(changes: Collection[str]) -> str:
    return ", ".join(changes) if len(changes) <= _MOST else EVERYTHING


def note(changes: Iterable[str], *, here: bool = True) -> None:
    """Notes subjects, where somebody wants to know; `here`: this service changed them."""
    noting = _noted.get()
    if noting is not None and len(noting) <= _MOST:
        for subject in changes:
            noting[subject] = here or noting.get(subject, False)


def listed(header: str) -> list[str]:
    """The subjects that a header lists."""
    return [subject for part in header.split(",") if (subject := part.strip())]


def uid_of(subject: str) -> str | None:
    """The user that a subject is, None for another subject."""
    return subject.removeprefix(_USER) if subject.startswith(_USER) else None


def changes_of(event: Event) -> tuple[str, ...]:
    """The subjects of which gateways hold something that is outdated by this event."""
    match event.name.split("."):
        case ["model", "permission" | "restriction", _]:
            return (POLICY,)
        case ["model", "user", "updated"] | ["model", "api_key", _]:
            pass
        case ["system", "session", "revoked"] | ["system", "user", "password", _]:
            pass
        case _:
            return ()
    uid = event.record.get("user", event.record).get("uid")
    return (f"{_USER}{uid}",) if isinstance(uid, str) and _UID.fullmatch(uid) else (EVERYTHING,)
