"""Measures what was promised: `python -m tests.bench [PART…]`, all parts by default."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from typing import cast

from tests.bench import machine
from tests.bench.row import Row, heading
from tests.system import ROOT

PARTS = ("startup", "events", "logins")
RESULTS = ROOT / ".local" / "bench.json"


def main() -> None:
    """Prints a table while it grows; each part is kept with a description of the machine."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args().parts or PARTS
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    described = machine.described()
    print(*(f"{name}: {value}" for name, value in described.items()), sep="\n")
    for part in chosen:
        print(f"\n{part}\n{heading()}")
        measured = cast(Callable[[], Iterator[Row]], import_module(f"tests.bench.{part}").rows)
        rows = []
        for row in measured():
            print(row, flush=True)
            rows.append({**asdict(row), "ratio": row.ratio, "met": row.met})
        _keep(part, {"at": datetime.now(UTC).isoformat(), "machine": described, "rows": rows})
    print(f"\n{RESULTS.relative_to(ROOT)} has these results, and the latest of the other parts")


def _keep(part: str, result: Mapping[str, object]) -> None:
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**kept, part: result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
