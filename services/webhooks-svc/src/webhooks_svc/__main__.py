"""The commands of webhooks-svc."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from shared.archive.commands import Opened, event_commands, opened
from shared.command_line import (
    Command,
    CommandFailed,
    asynchronous,
    main,
    migrate_command,
)
from shared.contracts.services import WEBHOOKS
from shared.contracts.topology import WEBHOOKS as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.database.reencrypt import reencrypt
from shared.dead_letter_commands import dead_letter_commands
from shared.process import serve
from shared.settings import load_settings
from webhooks_svc.app import create_app
from webhooks_svc.core import Core
from webhooks_svc.endpoints.models import SEALED
from webhooks_svc.schema import MIGRATIONS, SCHEMA
from webhooks_svc.settings import WebhooksSettings

_settings = partial(load_settings, WebhooksSettings)


async def _reencrypt() -> None:
    settings = _settings()
    database = settings.database(SCHEMA)
    unreadable = 0
    async with database.opened():
        await MigratedCheck(database, MIGRATIONS)()
        for column in SEALED:
            done = await reencrypt(database, settings.master_keys, column)
            unreadable += done.unreadable
            sys.stdout.write(f"{column.table}: {done.values} sealed under the first key\n")
    if unreadable:
        raise CommandFailed(
            f"{unreadable} values are sealed under keys that BARONG_MASTER_KEYS lacks"
        )


@asynccontextmanager
async def _opened() -> AsyncIterator[Opened]:
    """The archive of published events."""
    core = Core.of(_settings())
    check = MigratedCheck(core.database, MIGRATIONS)
    async with (
        core.identity.opened(),
        opened(core.database, check, core.identity, core.settings, WEBHOOKS) as archive,
    ):
        yield archive


if __name__ == "__main__":
    main(
        "webhooks_svc",
        WEBHOOKS,
        {
            "serve": Command("Run the service.", lambda: serve(create_app(_settings()))),
            "migrate": migrate_command(lambda: _settings().direct_database_url, SCHEMA, MIGRATIONS),
            "reencrypt": Command(
                "Encrypt every stored secret again, with the first of BARONG_MASTER_KEYS.",
                asynchronous(_reencrypt),
            ),
            "dead-letters": dead_letter_commands(_settings, SUBSCRIPTION),
            "events": event_commands(_opened),
        },
    )
