"""Every row of docs/operators/failures.md names a test that exists."""

import re
import subprocess
import sys

from tests.support.system import ROOT

PAGE = ROOT / "docs" / "operators" / "failures.md"
HEAD = ["Unavailable", "Works", "Gets 503", "Is delayed, and for how long", "Test"]


def test_pytest_collects_the_test_of_every_row() -> None:
    lines = re.findall(r"^\|(.+)\|$", PAGE.read_text(), re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    rows = [row for row in rows if row != HEAD and set("".join(row)) != {"-"}]
    assert len(rows) > 20
    assert all(len(row) == len(HEAD) and all(row) for row in rows)
    tests = [row[-1].strip("`") for row in rows]
    assert len(set(tests)) == len(tests)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert collected == set(tests)
