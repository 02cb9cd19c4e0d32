"""The commands of admin-svc."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from admin_svc.activities.partitions import TABLE
from admin_svc.app import create_app
from admin_svc.audit.models import BrokenChain
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.audit.use_cases import build as build_audit
from admin_svc.core import Core
from admin_svc.directory.rebuild import AnotherRebuildRuns
from admin_svc.directory.rebuild import build as build_rebuild
from admin_svc.directory.use_cases import build as build_directory
from admin_svc.permissions.file import read_permissions
from admin_svc.permissions.use_cases import build as build_permissions
from admin_svc.policy.use_cases import build as build_policy
from admin_svc.restrictions.use_cases import build as build_restrictions
from admin_svc.schema import MIGRATIONS, SCHEMA
from admin_svc.settings import AdminSettings
from admin_svc.user_counts.use_cases import build as build_user_counts
from shared.archive.commands import Opened, event_commands, opened
from shared.command_line import (
    Argument,
    Command,
    CommandFailed,
    asynchronous,
    main,
    migrate_command,
)
from shared.contracts import topology
from shared.contracts.services import ADMIN
from shared.database.migrate import MigratedCheck
from shared.database.partitions import MonthlyPartitions
from shared.dead_letter_commands import dead_letter_commands
from shared.process import serve
from shared.settings import load_settings
from shared.values.addresses import address_of


def _settings() -> AdminSettings:
    return load_settings(AdminSettings)


def _audit(core: Core) -> AuditTrail:
    return build_audit(core, build_directory(core, build_user_counts(core)))


def _serve() -> None:
    serve(create_app(_settings()))


async def _seed() -> None:
    settings = _settings()
    rules = read_permissions(settings.permissions_path)
    core = Core.of(settings)
    async with core.database.opened():
        await MigratedCheck(core.database, MIGRATIONS)()
        permissions = build_permissions(core, build_policy(core, _audit(core)))
        added = await permissions.seed(rules)
    sys.stdout.write(f"{settings.permissions_path}: {len(rules)} permissions, {added} added\n")


async def _verify_audit(known: str | None) -> None:
    try:
        known_head = None if known is None else bytes.fromhex(known)
    except ValueError:
        raise CommandFailed(f"{known} is no hash") from None
    core = Core.of(_settings())
    async with core.database.opened():
        try:
            verified = await _audit(core).verify(known_head)
        except BrokenChain as broken:
            raise CommandFailed(f"the audit trail is broken: {broken}") from None
    sys.stdout.write(
        f"{verified.entries} entries, {verified.erased} payloads erased; "
        f"note this hash elsewhere: {verified.head.hex()}\n"
    )


async def _list_open_intents() -> None:
    core = Core.of(_settings())
    async with core.database.opened():
        intents = await _audit(core).list_open_intents()
    for intent in intents:
        sys.stdout.write(
            f"{intent.id}  {intent.at.isoformat()}  {intent.action}  of {intent.target_uid}"
            f" by {intent.author_uid}\n"
        )


async def _restrictions_off(address: str | None) -> None:
    parsed = None if address is None else address_of(address)
    if address is not None and parsed is None:
        raise CommandFailed(f"{address} is no address")
    core = Core.of(_settings())
    restrictions = build_restrictions(core, build_policy(core, _audit(core)))
    async with core.database.opened():
        await MigratedCheck(core.database, MIGRATIONS)()
        switched = await restrictions.switch_off(parsed)
    for each in switched:
        rule = each.rule
        sys.stdout.write(f"{each.id}  {rule.category} {rule.scope} {rule.value}\n")
    sys.stdout.write(f"{len(switched)} restrictions switched off\n")


async def _partitions() -> None:
    core = Core.of(_settings())
    partitions = MonthlyPartitions(core.database, TABLE)
    async with core.database.opened():
        await MigratedCheck(core.database, MIGRATIONS)()
        made = await partitions.make_ahead()
        dropped = await partitions.drop_old(core.settings.activities_keep_months)
    for word, months in (("made", made), ("dropped", dropped)):
        sys.stdout.writelines(f"{word} {month.partition_of(TABLE)}\n" for month in months)


async def _rebuild_directory(anew: bool) -> None:
    core = Core.of(_settings())
    user_counts = build_user_counts(core)
    rebuild = build_rebuild(core, build_directory(core, user_counts), user_counts)
    async with core.database.opened(), core.identity.opened(), core.resource.opened():
        await MigratedCheck(core.database, MIGRATIONS)()
        try:
            async for done in rebuild.run(anew=anew):
                sys.stdout.write(f"{done.users} users up to {done.last_uid or 'none'}")
                sys.stdout.write(f", {done.removed} removed\n")
                sys.stdout.flush()
        except AnotherRebuildRuns:
            raise CommandFailed("another rebuild runs") from None


@asynccontextmanager
async def _opened() -> AsyncIterator[Opened]:
    """The archive of published events."""
    core = Core.of(_settings())
    check = MigratedCheck(core.database, MIGRATIONS)
    async with (
        core.identity.opened(),
        opened(core.database, check, core.identity, core.settings, ADMIN) as archive,
    ):
        yield archive


if __name__ == "__main__":
    main(
        "admin_svc",
        ADMIN,
        {
            "serve": Command("Run the service.", _serve),
            "migrate": migrate_command(lambda: _settings().direct_database_url, SCHEMA, MIGRATIONS),
            "seed": Command("Add the permissions that are missing.", asynchronous(_seed)),
            "verify-audit": Command(
                "Verify the chain of administrators' changes, and say where it breaks.",
                asynchronous(_verify_audit),
                (
                    Argument(
                        "--known",
                        "The hash of an earlier run, which must be in the chain.",
                        takes="HASH",
                    ),
                ),
            ),
            "open-intents": Command(
                "List administrators' changes whose outcome is unknown.",
                asynchronous(_list_open_intents),
            ),
            "restrictions-off": Command(
                "Disable restrictions, for administrators who are locked out.",
                asynchronous(_restrictions_off),
                (
                    Argument(
                        "--address",
                        "Only restrictions that keep this address out.",
                        takes="ADDRESS",
                    ),
                ),
            ),
            "partitions": Command(
                "Make partitions for the months to come, and drop old ones.",
                asynchronous(_partitions),
            ),
            "rebuild-directory": Command(
                "Rebuild the directory from identity-svc and resource-svc, while everything runs; "
                "after an interruption it resumes.",
                asynchronous(_rebuild_directory),
                (Argument("--anew", "start from the first user"),),
            ),
            "dead-letters": dead_letter_commands(
                _settings, topology.ADMIN, topology.ACTIVITIES, topology.AUDITS
            ),
            "events": event_commands(_opened),
        },
    )
