"""The commands of identity-svc."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from identity_svc.app import create_app
from identity_svc.core import Core
from identity_svc.erasure.models import NotErasable
from identity_svc.erasure.use_cases import Erasure
from identity_svc.erasure.use_cases import build as build_erasure
from identity_svc.importing.csv_file import UnusableFile
from identity_svc.importing.models import AnotherImportRuns
from identity_svc.importing.use_cases import build as build_import
from identity_svc.schema import MIGRATIONS, SCHEMA
from identity_svc.second_factor.authenticator import SEALED as SECOND_FACTORS
from identity_svc.settings import IdentitySettings
from identity_svc.sign_ups.use_cases import superadmins
from identity_svc.signing_keys.models import SEALED as SIGNING_KEYS
from identity_svc.signing_keys.models import KeyInUse, UnknownSigningKey
from identity_svc.signing_keys.use_cases import build as build_signing_keys
from identity_svc.signing_keys.use_cases import stored_keys
from identity_svc.users.use_cases import build as build_users
from shared.archive.commands import Opened, event_commands, opened
from shared.command_line import (
    Argument,
    Command,
    CommandFailed,
    asynchronous,
    main,
    migrate_command,
)
from shared.contracts.services import IDENTITY
from shared.contracts.topology import IDENTITY as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.database.reencrypt import reencrypt
from shared.dead_letter_commands import dead_letter_commands
from shared.errors import Invalid
from shared.messaging.outbox import SEALED as OUTBOX
from shared.process import serve
from shared.settings import SettingsError, load_settings


def _settings() -> IdentitySettings:
    return load_settings(IdentitySettings)


async def _seed() -> None:
    settings = _settings()
    if not settings.superadmin_email or not settings.superadmin_password:
        raise SettingsError(
            ["BARONG_SUPERADMIN_EMAIL and BARONG_SUPERADMIN_PASSWORD say whom to make."]
        )
    core = Core.of(settings)
    seeded = superadmins(core)
    async with core.database.opened(), seeded.hasher.opened():
        try:
            made = await seeded.seed(settings.superadmin_email, settings.superadmin_password)
        except Invalid as error:
            raise SettingsError([f"The superadmin: {', '.join(error.codes)}"]) from None
    sys.stdout.write(
        f"superadmin {settings.superadmin_email} {'made' if made else 'is there already'}\n"
    )


@contextlib.asynccontextmanager
async def _core() -> AsyncIterator[Core]:
    """The core with its database open, once the schema is known to be as new as this code."""
    core = Core.of(_settings())
    async with core.database.opened():
        await MigratedCheck(core.database, MIGRATIONS)()
        yield core


async def _rotate_keys() -> None:
    async with _core() as core:
        keys = await stored_keys(core).rotate()
    for kid, active_at in keys:
        sys.stdout.write(f"{kid} is published and signs from {active_at:%Y-%m-%d %H:%M:%S %Z} on\n")


async def _revoke_key(kid: str) -> None:
    async with _core() as core:
        try:
            await stored_keys(core).revoke(kid)
        except UnknownSigningKey:
            raise CommandFailed(f"there is no signing key {kid}") from None
        except KeyInUse:
            raise CommandFailed(
                f"{kid} is the key of JWT_PRIVATE_KEY_PATH: first start every instance with another"
            ) from None
    sys.stdout.write(f"{kid} is revoked: whatever it signed is worthless\n")


async def _reencrypt() -> None:
    unreadable = 0
    async with _core() as core:
        for column in (SIGNING_KEYS, SECOND_FACTORS, OUTBOX):
            done = await reencrypt(core.database, core.settings.master_keys, column)
            unreadable += done.unreadable
            sys.stdout.write(f"{column.table}: {done.values} sealed under the first key\n")
    if unreadable:
        raise CommandFailed(
            f"{unreadable} values are sealed under keys that BARONG_MASTER_KEYS lacks"
        )


async def _erase(uid: str | None) -> None:
    async with _core() as core:
        erasure = build_erasure(core, build_users(core))
        if uid is not None:
            await _erase_one(erasure, uid)
            count = 1
        elif core.settings.erasure_days:
            count = await erasure.erase_due()
        else:
            raise CommandFailed("BARONG_ERASURE_AFTER_DAYS says when, or --uid whom")
    sys.stdout.write(f"{count} users erased\n")


async def _erase_one(erasure: Erasure, uid: str) -> None:
    try:
        await erasure.erase(uid)
    except NotErasable:
        raise CommandFailed(f"{uid} is no user who has been deleted for an hour") from None


async def _import_users(folder: str, dry_run: bool) -> None:
    if not os.access(folder, os.W_OK):
        raise CommandFailed(f"{folder} is no folder to write reports to")
    async with _core() as core:
        try:
            done = await build_import(core, build_users(core)).run(Path(folder), dry_run=dry_run)
        except AnotherImportRuns:
            raise CommandFailed("another import runs") from None
        except UnusableFile as error:
            raise CommandFailed(str(error)) from None
    sys.stdout.write(f"{done.made} users {'would be ' if dry_run else ''}imported\n")
    sys.stdout.write(f"{done.there} users were there already\n")
    for path, count in done.reports.items():
        sys.stdout.write(f"{count} rows in {path}\n")
    if done.refused:
        sys.exit(1)


@contextlib.asynccontextmanager
async def _opened() -> AsyncIterator[Opened]:
    """The archive of published events; the keys of the table sign."""
    core = Core.of(_settings())
    check = MigratedCheck(core.database, MIGRATIONS)
    keys = build_signing_keys(core)
    async with opened(core.database, check, keys, core.settings, IDENTITY) as archive:
        await keys.load()
        yield archive


if __name__ == "__main__":
    main(
        "identity_svc",
        IDENTITY,
        {
            "serve": Command("Run the service.", lambda: serve(create_app(_settings()))),
            "migrate": migrate_command(lambda: _settings().direct_database_url, SCHEMA, MIGRATIONS),
            "seed": Command("Make the first superadmin.", asynchronous(_seed)),
            "rotate-keys": Command(
                "Publish the next signing key. It becomes active by itself.",
                asynchronous(_rotate_keys),
            ),
            "revoke-key": Command(
                "Revoke a stolen signing key. Sessions continue. "
                "Nothing that the key signed is accepted.",
                asynchronous(_revoke_key),
                (Argument("kid", "its id, as /.well-known/jwks.json gives it"),),
            ),
            "erase": Command(
                "Erase the users who deleted their accounts BARONG_ERASURE_AFTER_DAYS ago; "
                "every instance does so by itself every ten minutes.",
                asynchronous(_erase),
                (
                    Argument(
                        "--uid", "this deleted user instead, without further delay", takes="UID"
                    ),
                ),
            ),
            "import-users": Command(
                "Import users.csv and labels.csv, exported from Barong's tables of these names. "
                "Files beside them list the refused rows: correct those and import again. "
                "All second factors are off: users.otp_off.csv lists the users who had one.",
                asynchronous(_import_users),
                (
                    Argument("folder", "where both files are"),
                    Argument("--dry-run", "write the reports and nothing else"),
                ),
            ),
            "reencrypt": Command(
                "Encrypt every stored secret again, with the first of BARONG_MASTER_KEYS.",
                asynchronous(_reencrypt),
            ),
            "dead-letters": dead_letter_commands(_settings, SUBSCRIPTION),
            "events": event_commands(_opened),
        },
    )
