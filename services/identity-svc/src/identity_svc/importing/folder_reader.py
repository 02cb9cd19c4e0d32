"""Reads the exported tables in a folder into the tables of the import."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identity_svc.importing import store
from identity_svc.importing.csv_file import CsvFile, UnusableFile
from identity_svc.importing.models import (
    LABEL_COLUMNS,
    REFUSED_LABELS,
    REFUSED_USERS,
    USER_COLUMNS,
    Remark,
    UserRules,
)
from identity_svc.importing.progress import Progress
from shared.database.pool import Connection

USERS, LABELS = "users.csv", "labels.csv"
_BATCH = 2000

Read = Callable[[Mapping[str, str]], tuple[dict[str, Any], list[str]]]
Add = Callable[[Connection, Iterable[Mapping[str, Any]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Rows that break a rule are reported; the others wait."""

    rules: UserRules
    progress: Progress

    async def read(self, connection: Connection, folder: Path) -> int:
        """Reads both files; returns how many users wait. Raises `UnusableFile`."""
        with CsvFile.opened(folder / USERS) as file:
            file.demand(USER_COLUMNS)
            if "referral_id" in file.columns:
                file.demand(["id"])
            await self._read(connection, file, REFUSED_USERS, self.rules.user, store.add_users)
            numbered = "id" in file.columns
        if (folder / LABELS).exists():
            with CsvFile.opened(folder / LABELS) as file:
                file.demand(LABEL_COLUMNS)
                if "uid" not in file.columns and not (numbered and "user_id" in file.columns):
                    raise UnusableFile(
                        f"{folder / LABELS} needs a column uid, or user_id with id in {USERS}"
                    )
                await self._read(
                    connection, file, REFUSED_LABELS, self.rules.label, store.add_labels
                )
        return await store.finish_reading(connection)

    async def _read(
        self, connection: Connection, file: CsvFile, report: str, read: Read, add: Add
    ) -> None:
        kept: list[dict[str, Any]] = []
        refused: list[Remark] = []
        for row in file:
            values, faults = ({}, [row.fault]) if row.fault else read(row.values)
            if faults:
                refused.append(_remark(report, row.line, values, faults))
            else:
                kept.append({"line": row.line, **values})
            if len(kept) + len(refused) >= _BATCH:
                await add(connection, kept)
                await store.add_remarks(connection, refused)
                kept, refused = [], []
                self.progress.show(f"reading {report.partition('.')[0]}", file.position, file.size)
        await add(connection, kept)
        await store.add_remarks(connection, refused)


def _remark(report: str, line: int, values: Mapping[str, Any], faults: list[str]) -> Remark:
    return Remark(
        report=report,
        line=line,
        reasons=faults,
        user_id=values.get("user_id"),
        uid=values.get("uid"),
    )
