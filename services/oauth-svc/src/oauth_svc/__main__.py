"""The commands of oauth-svc."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from oauth_svc.app import create_app
from oauth_svc.core import Core
from oauth_svc.schema import MIGRATIONS, SCHEMA
from oauth_svc.settings import OAuthSettings
from shared.archive.commands import Opened, event_commands, opened
from shared.command_line import Command, main, migrate_command
from shared.contracts.services import OAUTH
from shared.contracts.topology import OAUTH as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.dead_letter_commands import dead_letter_commands
from shared.process import serve
from shared.settings import load_settings

_settings = partial(load_settings, OAuthSettings)


@asynccontextmanager
async def _opened() -> AsyncIterator[Opened]:
    """The archive of published events."""
    core = Core.of(_settings())
    check = MigratedCheck(core.database, MIGRATIONS)
    async with (
        core.identity.opened(),
        opened(core.database, check, core.identity, core.settings, OAUTH) as archive,
    ):
        yield archive


if __name__ == "__main__":
    main(
        "oauth_svc",
        OAUTH,
        {
            "serve": Command(
                "Serve clients until stopped.", lambda: serve(create_app(_settings()))
            ),
            "migrate": migrate_command(lambda: _settings().direct_database_url, SCHEMA, MIGRATIONS),
            "dead-letters": dead_letter_commands(_settings, SUBSCRIPTION),
            "events": event_commands(_opened),
        },
    )
