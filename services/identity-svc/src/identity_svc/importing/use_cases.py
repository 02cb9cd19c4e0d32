"""Imports the users of an existing Barong, with their labels."""

import csv
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from identity_svc.core import Core
from identity_svc.importing import store
from identity_svc.importing.csv_file import UnusableFile
from identity_svc.importing.events import user_imported
from identity_svc.importing.folder_reader import FolderReader
from identity_svc.importing.models import (
    REFUSED_USERS,
    REPORTS,
    AnotherImportRuns,
    Imported,
    Remark,
    UserRules,
    WaitingUser,
)
from identity_svc.importing.progress import Progress
from identity_svc.users.models import ImportedUser
from identity_svc.users.use_cases import Users
from shared.contracts.labels import ImportedLabel
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.policy.account_status_files import account_status_rules

MAX_LABELS = 1000
_BATCH = 500


class _DryRun(Exception):
    """Rolls back a batch that was only tried."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the users who exist already have."""

    uids: Collection[str]
    erased_uids: Collection[str]
    emails: Collection[str]

    def is_there(self, user: WaitingUser) -> bool:
        """Whether the user exists already, or was erased."""
        return user.uid in self.uids or user.uid in self.erased_uids

    def referral_of(self, user: WaitingUser) -> str | None:
        """The uid of the user who referred this one, if there is such a user."""
        return user.referral_uid if user.referral_uid in self.uids else user.referral_in_file


@dataclass(frozen=True, slots=True)
class UserImport:
    """Imports each user with all labels, or refuses them. Existing users do not change.

    State and level stay as they were. Second factors are not imported, as Vault does not return
    their secrets. Labels go to resource-svc with the event of the user; the private ones are stored
    here as well, and are older than whatever comes from there.
    """

    database: Database
    outbox: Outbox
    users: Users
    reader: FolderReader
    progress: Progress

    async def run(self, folder: Path, *, dry_run: bool) -> Imported:
        """Imports users.csv and labels.csv, and writes reports beside them.

        Raises `AnotherImportRuns` or `UnusableFile`.
        """
        async with self.database.dedicated() as connection:
            if not await store.begin(connection):
                raise AnotherImportRuns
            total = await self.reader.read(connection, folder)
            counts: Counter[str] = Counter()
            line, seen = 0, 0
            while batch := await store.next_users(connection, line, _BATCH):
                await self._import_batch(connection, batch, counts, dry_run=dry_run)
                line, seen = batch[-1].line, seen + len(batch)
                self.progress.show("taking over", seen, total)
            self.progress.end()
            await store.remark_otp_off(connection)
            reports = await _write_reports(connection, folder)
            await store.end(connection)
        refused = any(path.name.endswith(".refused.csv") for path in reports)
        return Imported(counts["made"], counts["there"], reports, refused)

    @staticmethod
    async def forget(connection: Connection, uid: str) -> None:
        """Deletes what an import that died has left of a user, as a step of a transaction."""
        await store.forget_user(connection, uid)

    async def _import_batch(
        self,
        connection: Connection,
        batch: Sequence[WaitingUser],
        counts: Counter[str],
        *,
        dry_run: bool,
    ) -> None:
        refused: list[Remark] = []
        known = await self._known(connection, batch)
        with suppress(_DryRun):
            async with connection.transaction():
                labels = await _labels(connection, batch)
                wanted: dict[str, WaitingUser] = {}
                for user in batch:
                    reasons = _reasons(user, labels[user.line], known)
                    if reasons:
                        refused.append(_refusal(user, reasons))
                    elif known.is_there(user):
                        counts["there"] += 1
                    else:
                        wanted[user.uid] = user
                made = {
                    user.uid: user
                    for user in await self.users.import_all(
                        connection,
                        [
                            _imported(user, known.referral_of(user), labels[user.line])
                            for user in wanted.values()
                        ],
                    )
                }
                counts["made"] += len(made)
                # An e-mail that was free when the batch began and is not now: a sign-up meanwhile.
                refused += [
                    _refusal(user, ["email.taken"])
                    for uid, user in wanted.items()
                    if uid not in made
                ]
                await self.outbox.add(
                    connection,
                    *(
                        user_imported(made[uid], labels[user.line])
                        for uid, user in wanted.items()
                        if uid in made
                    ),
                )
                if dry_run:
                    raise _DryRun
        await store.add_remarks(connection, refused)

    async def _known(self, connection: Connection, batch: Sequence[WaitingUser]) -> _Known:
        uids = {user.uid for user in batch}
        referrals = {user.referral_uid for user in batch if user.referral_uid}
        return _Known(
            uids=await self.users.existing_uids(connection, uids | referrals),
            erased_uids=await self.users.erased_uids(connection, uids),
            emails=await self.users.taken_emails(connection, {user.email for user in batch}),
        )


def build(core: Core, users: Users) -> UserImport:
    """The import of this installation, by its states and levels."""
    status, progress = account_status_rules(core.settings.config_dir), Progress()
    rules = UserRules(status.states, len(status.levels), datetime.now(UTC))
    return UserImport(core.database, core.outbox, users, FolderReader(rules, progress), progress)


async def _labels(
    connection: Connection, batch: Sequence[WaitingUser]
) -> dict[int, list[ImportedLabel]]:
    """The labels of these users, without the one that says that their second factor is on."""
    by_line = await store.labels_of(connection, [user.line for user in batch])
    return {
        line: [label for label in labels if (label.scope, label.key) != ("private", "otp")]
        for line, labels in by_line.items()
    }


def _reasons(user: WaitingUser, labels: Sequence[ImportedLabel], known: _Known) -> list[str]:
    """Why this row is not imported, now that the others are known."""
    if user.uid_is_second:
        return ["uid.taken"]
    if known.is_there(user):
        return []
    reasons = []
    if user.email_is_second or user.email in known.emails:
        reasons.append("email.taken")
    if user.has_referral and known.referral_of(user) is None:
        reasons.append("referral.unknown")
    if user.has_refused_labels:
        reasons.append("labels.refused")
    if len(labels) > MAX_LABELS:
        reasons.append("labels.too_many")
    if len({(label.scope, label.key) for label in labels}) < len(labels):
        reasons.append("labels.taken")
    return reasons


def _imported(
    user: WaitingUser, referral: str | None, labels: Sequence[ImportedLabel]
) -> ImportedUser:
    private = {label.key: label.value for label in labels if label.scope == "private"}
    return ImportedUser(
        uid=user.uid,
        email=user.email,
        password_digest=user.password_digest,
        role=user.role,
        level=user.level,
        state=user.state,
        referral_uid=referral,
        data=user.data,
        private_labels=json.dumps(private),
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def _refusal(user: WaitingUser, reasons: Sequence[str]) -> Remark:
    return Remark(report=REFUSED_USERS, line=user.line, uid=user.uid, reasons=reasons)


async def _write_reports(connection: Connection, folder: Path) -> Mapping[Path, int]:
    """Writes a file for each report that has rows, and removes those of earlier imports."""
    counts = {}
    for report in REPORTS:
        path = folder / f"{report}.csv"
        try:
            counts[path] = await _write_report(connection, report, path)
        except OSError as error:
            raise UnusableFile(f"{path} cannot be written: {error.strerror}") from None
    return {path: count for path, count in counts.items() if count}


async def _write_report(connection: Connection, report: str, path: Path) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "uid", "reasons"))
        async for remark in store.remarks(connection, report):
            writer.writerow((remark.line, remark.uid or "", " ".join(remark.reasons)))
            count += 1
    if not count:
        path.unlink()  # noqa: ASYNC240 - a command has nothing else to do meanwhile
    return count
