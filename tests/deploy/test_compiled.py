"""The gateway as its image has it, compiled, does what its Python does: its own tests say so."""

import os
import subprocess
import sys

import pytest

from deploy.compiled import MODULES
from tests.compiled import can_compile, compiled_gateway
from tests.system import ROOT

TESTS = (
    "tests/integration/gateway",
    "tests/unit/gateway",
    # They put an object of their own in the place of one of a compiled class.
    "--ignore=tests/unit/gateway/test_hanging_up.py",
    "--ignore=tests/unit/gateway/test_access_log.py",
)
PATIENCE = 1200


@pytest.mark.skipif(
    not can_compile(), reason="that wants a C compiler and Python's headers: gcc, python3-dev"
)
def test_the_gateways_own_tests_pass_on_what_is_compiled() -> None:
    env = {**os.environ, "PYTHONPATH": str(compiled_gateway())}

    def said(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-20_000:]
        return done.stdout

    names = [module.removesuffix(".py").replace("/", ".") for module in MODULES]
    imported = "; ".join(f"import {name}; print({name}.__file__)" for name in names)
    assert {line[-3:] for line in said("-c", imported).splitlines()} == {".so"}
    said("-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *TESTS)
