"""Which metrics there are, which of them an expression goes by, and Prometheus' own tool."""

import re
import subprocess

from tests.support import programs
from tests.support.system import ROOT

_PROCESS = frozenset(
    f"process_{what}"
    for what in ("open_fds", "max_fds", "cpu_seconds_total", "resident_memory_bytes")
)
"""What the Python client tells."""

_NO_METRIC = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|without|on|ignoring) ?\([^)]*\)')
_NAME = re.compile(r"\b([a-z_][a-z0-9_]*)\b(?!\s*\()")
_WORDS = {"and", "or", "unless", "offset", "bool"}


def told() -> frozenset[str]:
    """The metrics of docs/operators/metrics.md, which test_metrics.py compares with the code."""
    page = (ROOT / "docs" / "operators" / "metrics.md").read_text()
    names = frozenset(re.findall(r"^\| `(\w+)` ", page, re.MULTILINE))
    return names | {f"{name}_bucket" for name in names} | _PROCESS


def metrics_named(expression: str) -> frozenset[str]:
    """The names in a PromQL expression, but for labels, functions and words."""
    return frozenset(_NAME.findall(_NO_METRIC.sub(" ", expression))) - _WORDS


def promtool(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs promtool, with `given` on its standard input."""
    program = programs.promtool()
    return subprocess.run(
        [program.file, *arguments],
        env=dict(program.env),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
