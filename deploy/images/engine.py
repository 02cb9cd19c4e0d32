"""A container engine: the one of this machine, or one of our own for as long as it is needed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.processes import owned, start, stop, tail

FOLDER = Path(__file__).parents[2] / ".local" / "engine"
_START_SECONDS = 40.0
# Debian's engine has BuildKit in it. The command line of others wants a plugin for it.
_PROGRAMS = ("/usr/bin/docker", "docker")


class NoEngineError(Exception):
    """No container engine can be had on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Docker's command line, and the environment in which it finds its engine."""

    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, text: str | None = None, seconds: float = 900) -> str:
        """The output of `docker …`, with `text` as its input; raises `CalledProcessError`."""
        return self._start(arguments, text, seconds, check=True).stdout

    def succeeds(self, *arguments: str, seconds: float = 60) -> bool:
        """Whether `docker …` ends without an error within `seconds`."""
        try:
            return not self._start(arguments, None, seconds, check=False).returncode
        except subprocess.TimeoutExpired:
            return False

    def _start(
        self, arguments: tuple[str, ...], text: str | None, seconds: float, *, check: bool
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (self.program, *arguments),
            env={**os.environ, "DOCKER_BUILDKIT": "1", **self.environment},
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=check,
        )


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that answers here, else one of our own; raises `NoEngineError`."""
    for program in _PROGRAMS:
        if shutil.which(program) and (found := Engine(program)).succeeds("info"):
            yield found
            return
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and only root can start one")
    if shutil.which("dockerd") is None:
        install("docker.io")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with owned(FOLDER, "a container engine"):
        yield from _of_our_own()


def _of_our_own() -> Iterator[Engine]:
    socket, log = FOLDER / "docker.sock", FOLDER / "dockerd.log"
    process = start(
        (
            *("dockerd", "--host", f"unix://{socket}", "--pidfile", str(FOLDER / "pid")),
            *("--data-root", str(FOLDER / "data"), "--exec-root", str(FOLDER / "exec")),
        ),
        mark=FOLDER,
        env=os.environ,
        log=log,
    )
    try:
        ours = Engine(_PROGRAMS[0], {"DOCKER_HOST": f"unix://{socket}"})
        end = time.monotonic() + _START_SECONDS
        while not ours.succeeds("info"):
            if process.poll() is not None or time.monotonic() > end:
                raise NoEngineError(f"a Docker engine does not start here:\n{tail(log)}")
            time.sleep(0.2)
        yield ours
    finally:
        stop(process, signal.SIGTERM, 20)


def install(package: str) -> None:
    try:
        for command in (
            ("apt-get", "update", "--quiet"),
            ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", package),
        ):
            subprocess.run(
                command,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                timeout=600,
                check=True,
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoEngineError(f"{package} cannot be installed here ({error})") from None
