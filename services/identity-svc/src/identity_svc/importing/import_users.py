"""Takes over the users of an existing Barong, with their labels."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from identity_svc.importing import store
from identity_svc.importing.csv_file import UnusableFile
from identity_svc.importing.events import user_imported
from identity_svc.importing.progress import Progress
from identity_svc.importing.read_folder import ReadFolder
from identity_svc.importing.store import REFUSED_USERS, Remark, WaitingUser
from shared.contracts.labels import TakenOverLabel
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox

MAX_LABELS = 1000
_BATCH = 500


class AnotherImportRuns(Exception):
    """Two imports at once would overwrite each other's reports."""


class _DryRun(Exception):
    """Undoes a batch that was only tried."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many users were made and were there already, and how many rows each report has."""

    made: int
    there: int
    reports: Mapping[Path, int]
    refused: bool


@dataclass(frozen=True, slots=True)
class ImportUsers:
    """A user is taken over whole, with all his labels, or refused; who is there stays as he is.

    State and level are taken as they are; second factors are not, since Vault does not hand out
    their secrets. Labels go to resource-svc with the event that tells of
    the user; the private ones are kept here as well, and are older than whatever comes from there.
    """

    database: Database
    outbox: Outbox
    read_folder: ReadFolder
    progress: Progress

    async def __call__(self, folder: Path, *, dry_run: bool) -> Imported:
        """Raises `AnotherImportRuns` or `UnusableFile`."""
        async with self.database.dedicated() as connection:
            if not await store.begin(connection):
                raise AnotherImportRuns
            total = await self.read_folder(connection, folder)
            counts: Counter[str] = Counter()
            line, seen = 0, 0
            while batch := await store.next_users(connection, line, _BATCH):
                await self._take_over(connection, batch, counts, dry_run=dry_run)
                line, seen = batch[-1].line, seen + len(batch)
                self.progress.show("taking over", seen, total)
            self.progress.end()
            await store.remark_otp_off(connection)
            reports = await _write_reports(connection, folder)
            await store.end(connection)
        refused = any(path.name.endswith(".refused.csv") for path in reports)
        return Imported(counts["made"], counts["there"], reports, refused)

    async def _take_over(
        self,
        connection: Connection,
        batch: Sequence[WaitingUser],
        counts: Counter[str],
        *,
        dry_run: bool,
    ) -> None:
        refused: list[Remark] = []
        with suppress(_DryRun):
            async with connection.transaction():
                labels = await _labels(connection, batch)
                wanted: list[WaitingUser] = []
                for user in batch:
                    reasons = _reasons(user, labels[user.line])
                    if reasons:
                        refused.append(_refusal(user, reasons))
                    elif user.is_there:
                        counts["there"] += 1
                    else:
                        wanted.append(user)
                made = await store.take_over(
                    connection,
                    [user.line for user in wanted],
                    [user.referral for user in wanted],
                    [json.dumps(_private(labels[user.line])) for user in wanted],
                )
                counts["made"] += len(made)
                # Who was free when the batch began and is not now has signed up meanwhile.
                refused += [
                    _refusal(user, ["email.taken"]) for user in wanted if user.line not in made
                ]
                await self.outbox.add(
                    connection,
                    *(user_imported(user, labels[line]) for line, user in sorted(made.items())),
                )
                if dry_run:
                    raise _DryRun
        await store.add_remarks(connection, refused)


async def _labels(
    connection: Connection, batch: Sequence[WaitingUser]
) -> dict[int, list[TakenOverLabel]]:
    """The labels that users bring along, without the one that tells of their second factor."""
    by_line = await store.labels_of(connection, [user.line for user in batch])
    return {
        line: [label for label in labels if (label.scope, label.key) != ("private", "otp")]
        for line, labels in by_line.items()
    }


def _reasons(user: WaitingUser, labels: Sequence[TakenOverLabel]) -> list[str]:
    """Why this row is not taken over, now that the others are known."""
    if user.uid_is_second:
        return ["uid.taken"]
    if user.is_there:
        return []
    reasons = []
    if user.email_is_second or user.email_is_taken:
        reasons.append("email.taken")
    if user.has_referral and user.referral is None:
        reasons.append("referral.unknown")
    if user.has_refused_labels:
        reasons.append("labels.refused")
    if len(labels) > MAX_LABELS:
        reasons.append("labels.too_many")
    if len({(label.scope, label.key) for label in labels}) < len(labels):
        reasons.append("labels.taken")
    return reasons


def _private(labels: Sequence[TakenOverLabel]) -> dict[str, str]:
    return {label.key: label.value for label in labels if label.scope == "private"}


def _refusal(user: WaitingUser, reasons: Sequence[str]) -> Remark:
    return Remark(report=REFUSED_USERS, line=user.line, uid=user.uid, reasons=reasons)


async def _write_reports(connection: Connection, folder: Path) -> dict[Path, int]:
    """Writes a file for each report that has something to tell, and removes those of before."""
    counts = {}
    for report in store.REPORTS:
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
