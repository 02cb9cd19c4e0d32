"""`make run` as a process, in a copy of this folder."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil

from deploy.local import env_file
from tests.support.system import ROOT

PARTS = ("deploy", "README.md", "shared", "services")
START_SECONDS = 90.0


def git(folder: Path, *arguments: str) -> str:
    """What git says in this folder, whoever commits and however git is configured here."""
    names = {
        f"GIT_{role}_{what}": "test@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=os.environ | names | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class LocalStack:
    """One installation, which may be started again and again."""

    def __init__(self, folder: Path, gateway_port: int) -> None:
        self.folder = folder
        self.gateway_port = gateway_port
        self.facts: dict[str, str] = {}
        self.seconds = 0.0

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path, gateway_port: int) -> Iterator[Self]:
        """A running stack in a new copy of this folder, with this folder's environment."""
        folder.mkdir(parents=True)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "A clone")
        stack = cls(folder, gateway_port)
        stack.start()
        try:
            yield stack
        finally:
            if stack.process.poll() is None:
                stack.stop(signal.SIGTERM)

    def start(self) -> None:
        """Starts it and returns when it is ready; `seconds` is how long that took."""
        begun = time.monotonic()
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local"],
                cwd=self.folder,
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        facts = self.folder / ".local" / "stack.env"
        while not facts.exists():
            if self.process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self.stop(signal.SIGTERM)
                raise AssertionError(f"make run did not come up:\n{self.shown()}")
            time.sleep(0.01)
        self.seconds = time.monotonic() - begun
        self.facts = env_file.read(facts)

    def stop(self, how: signal.Signals) -> None:
        """Ends it as Ctrl-C or a supervisor would, and waits."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        self.process.wait(60)

    def run_again(self) -> subprocess.CompletedProcess[str]:
        """A second start beside the first."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.local"],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def shown(self) -> str:
        """What it has printed so far."""
        return self._output.read_text()

    def processes(self) -> list[psutil.Process]:
        """It and everything that it started."""
        return [
            psutil.Process(self.process.pid),
            *psutil.Process(self.process.pid).children(recursive=True),
        ]

    def leftovers(self) -> list[str]:
        """Command lines of processes that still work in its folder."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = " ".join(process.info["cmdline"] or [])
            if str(self.folder) in command:
                found.append(command)
        return found

    @property
    def _output(self) -> Path:
        return self.folder.parent / "output.txt"

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "AMQP_"))}
        return kept | {
            "BARONG_GATEWAY_PORT": str(self.gateway_port),
            "PYTHONUNBUFFERED": "1",
        }
