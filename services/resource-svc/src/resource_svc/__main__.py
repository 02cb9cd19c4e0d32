"""The commands of resource-svc."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from resource_svc.api_keys.seal import SEALED as API_KEYS
from resource_svc.app import create_app
from resource_svc.core import Core
from resource_svc.schema import MIGRATIONS, SCHEMA
from resource_svc.settings import ResourceSettings
from shared.archive.commands import Opened, event_commands, opened
from shared.command_line import (
    Command,
    CommandFailed,
    asynchronous,
    main,
    migrate_command,
)
from shared.contracts.services import RESOURCE
from shared.contracts.topology import RESOURCE as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.database.reencrypt import reencrypt
from shared.dead_letter_commands import dead_letter_commands
from shared.process import serve
from shared.settings import load_settings

_settings = partial(load_settings, ResourceSettings)


async def _reencrypt() -> None:
    settings = _settings()
    database = settings.database(SCHEMA)
    async with database.opened():
        await MigratedCheck(database, MIGRATIONS)()
        done = await reencrypt(database, settings.master_keys, API_KEYS)
    sys.stdout.write(f"{API_KEYS.table}: {done.values} sealed under the first key\n")
    if done.unreadable:
        raise CommandFailed(
            f"{done.unreadable} values are sealed under keys that BARONG_MASTER_KEYS lacks"
        )


@asynccontextmanager
async def _opened() -> AsyncIterator[Opened]:
    """The archive of published events."""
    core = Core.of(_settings())
    check = MigratedCheck(core.database, MIGRATIONS)
    async with (
        core.identity.opened(),
        opened(core.database, check, core.identity, core.settings, RESOURCE) as archive,
    ):
        yield archive


main(
    "resource_svc",
    RESOURCE,
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
