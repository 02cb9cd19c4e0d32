"""The commands of a service: `python -m <package> <command>`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.database.migrate import MigrationError, migrate, wait_until_reachable
from shared.errors import Unavailable
from shared.log import configure_logging
from shared.reasons import reason_of
from shared.settings import DatabaseSettings, SettingsError, load_settings


class CommandFailed(Exception):
    """The command failed, for the reason in the message."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a command: positional `name`, or the flag `--name`.

    With `takes`, `--name` has a value, which that word describes.
    """

    name: str
    help: str
    takes: str = ""

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Adds it to `parser`."""
        if self.takes:
            parser.add_argument(self.name, help=self.help, metavar=self.takes)
        elif self.name.startswith("--"):
            parser.add_argument(self.name, help=self.help, action="store_true")
        else:
            parser.add_argument(self.name, help=self.help)


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its help: `run` gets the arguments by name; or a group of `commands`."""

    help: str
    run: Callable[..., None] | None = None
    arguments: tuple[Argument, ...] = ()
    commands: "Mapping[str, Command]" = field(default_factory=dict)

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Adds what follows the command's name to `parser`."""
        for argument in self.arguments:
            argument.add_to(parser)
        if self.run is not None:
            parser.set_defaults(_run=self.run)
        if self.commands:
            subparsers = parser.add_subparsers(required=True)
            for name, command in self.commands.items():
                command.add_to(
                    subparsers.add_parser(name, help=command.help, description=command.help)
                )


def main(package: str, service: str, commands: Mapping[str, Command]) -> None:
    """Runs the command that the arguments name; faults are printed without a traceback."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    Command("", commands=commands).add_to(parser)
    given = vars(parser.parse_args())
    run = given.pop("_run")
    configure_logging(service, json=os.environ.get("BARONG_ENV") == "production")
    try:
        run(**given)
    except SettingsError as error:
        sys.exit("\n".join((f"{service} cannot start:", *(f"  {line}" for line in error.faults))))
    except MigrationError as error:
        sys.exit(f"{service} cannot be migrated: {error}")
    except Unavailable as error:
        reason = reason_of(error.__cause__)
        sys.exit(f"{service}: {error.dependency} does not answer{f' ({reason})' if reason else ''}")
    except (CommandFailed, OSError) as error:
        sys.exit(f"{service}: {error}")


def asynchronous(work: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A function for a command, made of an asynchronous one."""
    return lambda **given: asyncio.run(work(**given))


def migrate_command(
    database_url: Callable[[], str], schema: str, directories: Sequence[Path]
) -> Command:
    """`migrate`: brings `schema` up to date, over an address that leads to PostgreSQL itself."""

    async def run(wait: str | None) -> None:
        dsn = database_url()
        if wait is not None:
            await wait_until_reachable(dsn, _seconds(wait))
        await migrate(dsn, schema, directories)

    return Command(
        "Apply the migrations that are missing.",
        asynchronous(run),
        (
            Argument(
                "--wait",
                "first wait for PostgreSQL, at most for this many seconds",
                takes="SECONDS",
            ),
        ),
    )


def migrate_only(module: str, service: str, schema: str, directories: Sequence[Path]) -> None:
    """Runs `python -m <module> migrate`, for images that have nothing else of the service."""

    def database_url() -> str:
        return load_settings(DatabaseSettings).direct_database_url

    main(module, service, {"migrate": migrate_command(database_url, schema, directories)})


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise CommandFailed(f"--wait takes a number of seconds, not {text!r}")
    return int(text)
