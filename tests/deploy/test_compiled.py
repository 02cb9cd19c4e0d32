"""The gateway as its image has it, compiled, does what its Python does: its own tests say so."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deploy.compiled import MODULES
from tests.deploy import dockerfile
from tests.support.compiled import can_compile
from tests.support.system import ROOT

TESTS = (
    "tests/integration/gateway",
    "tests/unit/gateway",
    # It puts objects of its own in the place of those of a compiled class.
    "--ignore=tests/unit/gateway/test_upstream_listeners.py",
)
PATIENCE = 2400


@pytest.mark.skipif(
    not can_compile(), reason="that wants a C compiler and Python's headers: gcc, python3-dev"
)
def test_the_gateways_own_tests_pass_on_what_is_compiled(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Reports each failed test separately."""
    env = {**os.environ, "PYTHONPATH": str(dockerfile.build("authz-gateway").parent)}

    def done(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    names = [module.removesuffix(".py").replace("/", ".") for module in MODULES]
    imported = "; ".join(f"import {name}; print({name}.__file__)" for name in names)
    files = done("-c", imported)
    assert files.returncode == 0, files.stderr
    assert {line[-3:] for line in files.stdout.splitlines()} == {".so"}
    results = tmp_path / "results.xml"
    options = ("-q", "--no-header", "-p", "no:cacheprovider", f"--junitxml={results}")
    tests = done("-m", "pytest", *options, *TESTS)
    for name, text in failures(results):
        with subtests.test(name):
            pytest.fail(text, pytrace=False)
    assert tests.returncode == 0, tests.stdout[-5000:] + tests.stderr[-5000:]


def failures(results: Path) -> Iterator[tuple[str, str]]:
    """The tests that failed, and what was said of each."""
    if not results.exists():
        return
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        for fault in (*case.iter("failure"), *case.iter("error")):
            yield f"{case.get('classname')}.{case.get('name')}", fault.text or ""
