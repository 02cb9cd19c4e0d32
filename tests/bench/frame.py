"""Runs parts one after the other, shows their rows while they come, and keeps them."""

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from tests.bench.row import Row, heading

Part: TypeAlias = Callable[[], Iterator[Row]]


def measure(parts: Mapping[str, Part], machine: Mapping[str, str], results: Path) -> list[str]:
    """Runs every part, whatever becomes of the others; the names of those that broke.

    `results` (JSON) has the latest rows of each part, with the machine that they were measured on
    and, of a part that broke, what it said last.
    """
    print(*(f"{name}: {value}" for name, value in machine.items()), sep="\n")
    broken, missed = [], []
    for name, part in parts.items():
        print(f"\n{name}\n{heading()}")
        rows: list[Row] = []
        error: Exception | None = None
        try:
            for row in part():
                rows.append(row)
                print(row, flush=True)
        except Exception as caught:  # noqa: BLE001 - the other parts are measured all the same
            error = caught
            traceback.print_exception(caught)
            broken.append(name)
        missed += [f"{name}: {row.what}" for row in rows if row.met is False]
        _keep(results, name, machine, rows, error)
    print(f"\n{results} has these results, and the latest of the other parts")
    for what, found in (("broken", broken), ("not met", missed)):
        print(f"{what}: {len(found)}", *found, sep="\n  ")
    return broken


def _keep(
    results: Path, name: str, machine: Mapping[str, str], rows: list[Row], error: Exception | None
) -> None:
    kept: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    kept[name] = {
        "at": datetime.now(UTC).isoformat(),
        "machine": machine,
        "rows": [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows],
        "broken": repr(error) if error else None,
    }
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(kept, indent=2) + "\n")
