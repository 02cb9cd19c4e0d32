"""The commands of admin-svc."""

import sys

from admin_svc.app import create_app
from admin_svc.permissions.file import read_permissions
from admin_svc.permissions.seed import SeedPermissions
from admin_svc.policy.change import ChangePolicy
from admin_svc.schema import MIGRATIONS, SCHEMA
from admin_svc.settings import AdminSettings
from shared.command_line import Command, asynchronous, dead_letter_commands, main
from shared.contracts import topology
from shared.contracts.services import ADMIN
from shared.database.migrate import MigratedCheck, migrate
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.process import serve
from shared.settings import load_settings


def _settings() -> AdminSettings:
    return load_settings(AdminSettings)


def _serve() -> None:
    serve(create_app(_settings()))


async def _migrate() -> None:
    await migrate(_settings().database_url, SCHEMA, MIGRATIONS)


async def _seed() -> None:
    settings = _settings()
    rules = read_permissions(settings.permissions_path)
    database = Database(settings.database_url, SCHEMA)
    async with database.opened():
        await MigratedCheck(database, MIGRATIONS)()
        added = await SeedPermissions(ChangePolicy(database, Outbox()))(rules)
    sys.stdout.write(f"{settings.permissions_path}: {len(rules)} permissions, {added} added\n")


if __name__ == "__main__":
    main(
        "admin_svc",
        ADMIN,
        {
            "serve": Command("Answer calls until told to stop.", _serve),
            "migrate": Command("Bring the schema up to date.", asynchronous(_migrate)),
            "seed": Command("Add the permissions that are missing.", asynchronous(_seed)),
            **dead_letter_commands(topology.ADMIN, _settings),
        },
    )
