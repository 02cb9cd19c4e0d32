"""The libraries of Standard Webhooks in other languages, each as a program that judges calls."""

import functools
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

HERE = Path(__file__).parent
_BUILT = ROOT / ".local" / "webhook-verifiers"
_SECONDS = 300
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

Command = Sequence[str]


@functools.cache
def in_node() -> Command | str:
    """The program's command, or why there is none."""
    made = _made("node", ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"))
    return made if isinstance(made, str) else ("node", str(made / "verify.mjs"))


@functools.cache
def in_go() -> Command | str:
    """As `in_node`."""
    made = _made("go", ("go", "mod", "download"), ("go", "build", "-o", "verify", "."))
    return made if isinstance(made, str) else (str(made / "verify"),)


@functools.cache
def in_java() -> Command | str:
    """As `in_node`."""
    made = _made("java", ("mvn", "-q", "-B", _COPY), ("mvn", "-q", "-B", "compile"))
    if isinstance(made, str):
        return made
    return "java", "-cp", f"{made}/target/classes:{made}/target/dependency/*", "Verify"


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


def _made(language: str, fetch: Command, *builds: Command) -> Path | str:
    """A folder with the built program, or why it cannot be built here."""
    for program in (language, fetch[0]):
        if shutil.which(program) is None:
            return f"There is no {program} on this machine."
    folder = _BUILT / language
    with one_at_a_time(f"webhook-verifier-{language}"):
        shutil.copytree(HERE / language, folder, dirs_exist_ok=True)
        fetched = _run(fetch, folder)
        if fetched.returncode != 0:
            last = (fetched.stderr or fetched.stdout).strip().splitlines()[-1:]
            return f"{fetch[0]} cannot fetch its packages: {' '.join(last)}"
        for build in builds:
            built = _run(build, folder)
            assert built.returncode == 0, built.stdout + built.stderr
    return folder


def _run(command: Command, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=_SECONDS
    )
