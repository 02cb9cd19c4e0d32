"""`events tail` and `events replay`: the archive of a service on the command line."""

import asyncio
import json
import os
import re
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from shared.archive.use_cases import EventArchive, Replays, build_archive, build_replays
from shared.command_line import Argument, Command, CommandFailed, asynchronous
from shared.contracts.archive import (
    ArchivedEvent,
    EventFilter,
    NoQueue,
    NoReplay,
    Position,
    Replay,
    TooManyReplays,
    is_pattern,
)
from shared.database.migrate import MigratedCheck
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.messaging.envelope import EventSigner
from shared.settings import PublicServiceSettings

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_POLL_SECONDS = 0.5
_PAGE = 100
_SHOWN = 10
_MOST_COUNTED = 1_000_000
_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN, _PLAIN = (
    f"\033[{code}m" for code in (1, 2, 31, 32, 33, 36, 0)
)
_COLOURS = {"created": _GREEN, "updated": _YELLOW, "deleted": _RED, "erased": _RED}

_FILTER = (
    Argument("--name", "names as in a binding: * is a word, # at the end any words", "PATTERN"),
    Argument("--uid", "events about this user", "UID"),
    Argument("--since", "from this moment on (ISO 8601), or so long ago: 90s, 5m, 2h, 7d", "TIME"),
    Argument("--until", "before this moment, or so long ago", "TIME"),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """The archive of a service for the time of a command."""

    archive: EventArchive
    replays: Replays


Open = Callable[[], AbstractAsyncContextManager[Opened]]


@asynccontextmanager
async def opened(
    database: Database,
    check: MigratedCheck,
    signer: EventSigner,
    settings: PublicServiceSettings,
    service: str,
) -> AsyncIterator[Opened]:
    """The archive, while its database is open; raises what `check` raises."""
    async with database.opened():
        await check()
        yield Opened(
            build_archive(database, settings),
            build_replays(database, signer, settings, service, CollectorRegistry()),
        )


def event_commands(open_archive: Open) -> Command:
    """`events tail` and `events replay`."""

    async def tail(no_follow: bool, **given: str | None) -> None:
        async with open_archive() as at_hand:
            await _tail(at_hand.archive, _filter_of(given), follow=not no_follow)

    async def play(
        to: str | None, resume: str | None, incomplete: bool, dry_run: bool, **given: str | None
    ) -> None:
        wanted = _filter_of(given)
        async with open_archive() as at_hand:
            if resume is not None:
                await _follow(at_hand.replays, await _running(at_hand.replays, resume))
            elif to is None:
                raise CommandFailed("--to says into which queue, or --resume which replay goes on")
            elif dry_run:
                number = await at_hand.archive.count(
                    wanted, incomplete=incomplete, most=_MOST_COUNTED
                )
                more = " or more" if number == _MOST_COUNTED else ""
                sys.stdout.write(f"{number}{more} events would go to {to}\n")
            else:
                try:
                    started = await at_hand.replays.create(to, wanted, incomplete=incomplete)
                except NoQueue:
                    raise CommandFailed(f"the broker has no queue {to}") from None
                except TooManyReplays:
                    raise CommandFailed("too many replays run already") from None
                await _follow(at_hand.replays, started)

    return Command(
        "Events that this service published.",
        commands={
            "tail": Command(
                "Show published events, and those to come until stopped: in colour on a "
                "terminal, as lines of JSON otherwise. Secrets are never shown.",
                asynchronous(tail),
                (*_FILTER, Argument("--no-follow", "stop at the newest event")),
            ),
            "replay": Command(
                "Publish events again, signed anew with their ids, into one queue. When it is "
                "killed, the service goes on with it; Ctrl-C cancels it.",
                asynchronous(play),
                (
                    Argument("--to", "the queue, which must exist", "QUEUE"),
                    *_FILTER,
                    Argument(
                        "--incomplete",
                        "also events that had secrets (tokens in mails), without these",
                    ),
                    Argument("--dry-run", "count the events only"),
                    Argument("--resume", "follow a replay that was interrupted", "ID"),
                ),
            ),
        },
    )


async def _tail(archive: EventArchive, wanted: EventFilter, *, follow: bool) -> None:
    """Without a beginning, the last events come first; then those to come."""
    position: Position | None = None
    if wanted.since is None:
        newest = await archive.list_newest(wanted, _SHOWN)
        for event in reversed(newest):
            _show(event)
        # What is published from now on is newer than all that is archived.
        latest = newest or await archive.list_newest(EventFilter(), 1)
        position = latest[0].position if latest else None
    while True:
        page = await archive.list_after(wanted, _PAGE, position)
        for event in page:
            _show(event)
        if page:
            position = page[-1].position
        elif not follow:
            return
        else:
            await asyncio.sleep(_POLL_SECONDS)


async def _follow(replays: Replays, started: Replay) -> None:
    """Takes turns until the replay ends; its progress goes to a terminal."""
    _say(f"replay {started.id} into {started.queue}")
    last = started
    try:
        async for last in replays.follow(started.id):
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{last.replayed} events{_rests(last)}\033[K")
                sys.stderr.flush()
    except asyncio.CancelledError:
        with suppress(NoReplay, Unavailable):
            await replays.cancel(started.id)
        raise
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
    if last.state != "done":
        raise CommandFailed(f"{last.state} after {last.replayed} events{_rests(last)}")
    sys.stdout.write(f"{last.replayed} events are in {last.queue}\n")


async def _running(replays: Replays, text: str) -> Replay:
    try:
        return await replays.get(uuid.UUID(text))
    except (ValueError, NoReplay):
        raise CommandFailed(f"there is no replay {text}") from None


def _rests(progress: Replay) -> str:
    return f": {progress.reason}" if progress.reason else ""


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _filter_of(given: dict[str, str | None]) -> EventFilter:
    name, uid = given["name"], given["uid"]
    if name is not None and not is_pattern(name):
        raise CommandFailed(f"{name} is no pattern of names of events")
    wanted = EventFilter(name=name, uid=uid)
    return replace(wanted, since=_moment(given["since"]), until=_moment(given["until"]))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if match := _DURATION.fullmatch(text):
        with suppress(OverflowError):
            return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"{text} is neither a moment (ISO 8601) nor a duration") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _show(event: ArchivedEvent) -> None:
    in_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.write(_coloured(event) if in_colour else _as_json(event))
    sys.stdout.flush()


def _as_json(event: ArchivedEvent) -> str:
    return json.dumps(_said(event), ensure_ascii=False) + "\n"


def _said(event: ArchivedEvent) -> dict[str, Any]:
    return {
        "published_at": event.position.published_at.astimezone(UTC).isoformat(),
        "id": str(event.id),
        "name": event.name,
        "uid": event.uid,
        "record": event.record,
        "changes": event.changes,
        "complete": event.complete,
    }


def _coloured(event: ArchivedEvent) -> str:
    """One line for the eye: time, name, whom it is about, and what changed."""
    colour = _COLOURS.get(event.name.rpartition(".")[2], _CYAN)
    moment = event.position.published_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:23]
    changes = " ".join(
        f"{key}={json.dumps(_printable(old), ensure_ascii=True)}→"
        f"{json.dumps(_printable(event.record.get(key)), ensure_ascii=True)}"
        for key, old in (event.changes or {}).items()
    )
    parts = [f"{_DIM}{moment}{_PLAIN}", f"{colour}{event.name}{_PLAIN}"]
    parts += [f"{_BOLD}{event.uid}{_PLAIN}"] if event.uid else []
    return " ".join([*parts, *([changes] if changes else []), f"{_DIM}{event.id}{_PLAIN}"]) + "\n"


def _printable(value: Any) -> Any:
    return value[:60] if isinstance(value, str) else value
