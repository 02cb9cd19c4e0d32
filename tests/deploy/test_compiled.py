"""The gateway as its image has it, compiled, does what its Python does: its own tests say so."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deploy.compiled import MODULES
from tests.deploy import dockerfile
from tests.support.compiled import can_compile
from tests.support.system import ROOT

pytestmark = pytest.mark.skipif(
    not can_compile(), reason="that wants a C compiler and Python's headers: gcc, python3-dev"
)

PARTS = {
    "unit": (
        "tests/unit/gateway",
        # It puts objects of its own in the place of those of a compiled class.
        "--ignore=tests/unit/gateway/test_upstream_listeners.py",
    ),
    "integration": ("tests/integration/gateway",),
    # What other people's upstreams make of every hostile request, and the gateway of their answers.
    "interop": (
        *("tests/interop/test_requests.py", "tests/interop/test_answers.py"),
        # The client still sends megabytes when the answer comes. On a busy machine it may meet a
        # reset, which discards the answer (RFC 9112, 9.6): of 250 clients, one did.
        *("-k", "not chunks-too-large and not early-answer-to-much"),
    ),
}
PATIENCE = 2400

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run() -> Run:
    """Runs Python with the modules of the image, which are compiled."""
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
    return done


# Several processes that run tests take a part each.
@pytest.mark.parametrize(
    "tests",
    [
        pytest.param(tests, id=name, marks=pytest.mark.xdist_group(f"compiled {name}"))
        for name, tests in PARTS.items()
    ],
)
def test_the_gateways_own_tests_pass_on_what_is_compiled(
    run: Run, tests: Sequence[str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Reports each failed test separately."""
    results = tmp_path / "results.xml"
    options = ("-q", "--no-header", "-p", "no:cacheprovider", f"--junitxml={results}")
    done = run("-m", "pytest", *options, *tests)
    for name, text in failures(results):
        with subtests.test(name):
            pytest.fail(text, pytrace=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def failures(results: Path) -> Iterator[tuple[str, str]]:
    """The tests that failed, and what was said of each."""
    if not results.exists():
        return
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        for fault in (*case.iter("failure"), *case.iter("error")):
            yield f"{case.get('classname')}.{case.get('name')}", fault.text or ""
