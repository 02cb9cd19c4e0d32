"""Programs in Go that commands and tests use: built once, of modules that a go.sum locks."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import StartError

ROOT = Path(__file__).parents[1]
_BUILD_SECONDS = 900
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/local/go/bin:/usr/lib/go/bin"


@dataclass(frozen=True, slots=True)
class GoTool:
    """A program, its package, and the folder of `deploy` whose go.mod and go.sum lock it."""

    name: str
    package: str

    @property
    def locks(self) -> Path:
        return ROOT / "deploy" / self.name

    def built(self, cache: Path = ROOT / ".local") -> Path:
        """The program in `cache`; builds it if go.sum has changed. Raises StartError."""
        folder = cache / self.name
        program, note = folder / self.name, folder / "go.sum"
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            wanted = (self.locks / "go.sum").read_bytes()
            if not note.exists() or note.read_bytes() != wanted:
                print(f"building {self.name}, this once", file=sys.stderr)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                self._build(program)
                note.write_bytes(wanted)
        return program

    def _build(self, program: Path) -> None:
        with go() as found, tempfile.TemporaryDirectory() as scratch:
            # The caches of this machine, if it has a Go. Otherwise they go with the Go.
            own = () if shutil.which("go", path=_PLACES) else ("cache", "path")
            run(
                *(str(found), "build", "-C", str(self.locks), "-trimpath", "-ldflags=-s -w"),
                *("-o", str(program), self.package),
                CGO_ENABLED="0",
                GOFLAGS="-mod=readonly -modcacherw",
                GOTOOLCHAIN="local",
                **{f"GO{each.upper()}": f"{scratch}/{each}" for each in own},
            )


KUSTOMIZE = GoTool("kustomize", "sigs.k8s.io/kustomize/kustomize/v5")
HELM = GoTool("helm", "helm.sh/helm/v4/cmd/helm")


@contextmanager
def go() -> Iterator[Path]:
    """The Go of this machine, else that of the package index. Raises StartError without both."""
    if (found := shutil.which("go", path=_PLACES)) is not None:
        yield Path(found)
        return
    with go_of_the_index() as locked:
        yield locked


@contextmanager
def go_of_the_index() -> Iterator[Path]:
    """The Go that `requirements/kustomize.txt` has locked, for the time of the block."""
    with tempfile.TemporaryDirectory() as scratch:
        run(
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--target", scratch),
            *("-r", str(ROOT / "requirements" / "kustomize.txt")),
        )
        yield Path(scratch, "go", "bin", "go")


def run(*command: str, **environment: str) -> None:
    """Runs a command to its end; raises StartError with what it said if it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise StartError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
