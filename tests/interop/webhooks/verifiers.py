"""The libraries of Standard Webhooks in other languages, each as a program that judges calls."""

import functools
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.interop import programs
from tests.interop.programs import Command, files_in

HERE = Path(__file__).parent
_SECONDS = 300


@functools.cache
def in_node() -> Command | str:
    """The program's command, or why there is none."""
    return programs.in_node("webhook-verifier-node", files_in(HERE / "node"), "verify.mjs")


@functools.cache
def in_go() -> Command | str:
    """As `in_node`."""
    return programs.in_go("webhook-verifier-go", files_in(HERE / "go"))


@functools.cache
def in_java() -> Command | str:
    """As `in_node`."""
    return programs.in_java("webhook-verifier-java", files_in(HERE / "java"), "Verify")


LANGUAGES: Mapping[str, Callable[[], Command | str]] = {
    "node": in_node,
    "go": in_go,
    "java": in_java,
}


def judge(command: Command, lines: Sequence[str]) -> list[str]:
    """What the program says of each line."""
    done = subprocess.run(
        command,
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
