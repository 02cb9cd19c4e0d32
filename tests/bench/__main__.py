"""Measures what was promised: `python -m tests.bench [PART…]`, all parts by default."""

import argparse
import ast
import logging
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import structlog

from tests.bench import machine
from tests.bench.frame import measure
from tests.bench.row import Row
from tests.support.system import ROOT

PARTS = (
    *("startup", "events", "webhooks", "logins", "sessions", "users-me", "oauth", "uploads"),
    *("gateway", "traces", "shared-rates", "ext-authz", "activities", "audit", "admin-writes"),
    *("directory", "pages", "nonces", "revocation", "sizing", "session-memory", "scale"),
)
LONG = ("outage",)
"""What only runs when it is named: it takes more than ten minutes."""
RESULTS = ROOT / ".local" / "bench.json"


def main() -> None:
    """Prints a table while it grows; ends with status 1 when a part broke."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog="\n".join(f"  {part:<12} {about(part)}" for part in (*PARTS, *LONG)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="one of those below")
    chosen = parser.parse_args().parts or PARTS
    if unknown := set(chosen) - {*PARTS, *LONG}:
        parser.error(
            f"no such part: {', '.join(sorted(unknown))}; there are {', '.join((*PARTS, *LONG))}"
        )
    # What services say when it is the bench that calls their code would stand in the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if measure({part: partial(rows, part) for part in chosen}, machine.described(), RESULTS):
        sys.exit(1)


def rows(part: str) -> Iterator[Row]:
    """Measures a part; imported no earlier, so that one that cannot be harms no other."""
    yield from import_module(f"tests.bench.{_module(part)}").rows()


def about(part: str) -> str:
    """What it measures, in one sentence."""
    source = Path(__file__).with_name(f"{_module(part)}.py").read_text()
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _module(part: str) -> str:
    return part.replace("-", "_")


if __name__ == "__main__":
    main()
