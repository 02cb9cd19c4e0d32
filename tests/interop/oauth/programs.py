"""Relying parties of others, installed from their registries."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

HERE = Path(__file__).parent
_BUILT = ROOT / ".local" / "relying-parties"
_SECONDS = 300
_GO_SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}

Command = Sequence[str]


@functools.cache
def in_node() -> Command | str:
    """The command of openid-client's program, or why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "There is no node and npm on this machine."
    with one_at_a_time("relying-party-node"):
        folder = _copied("node")
        why = _made(folder, (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"))
    return why or (node, str(folder / "client.mjs"))


@functools.cache
def in_go() -> Command | str:
    """The command of go-oidc's program, or why there is none."""
    go = shutil.which("go")
    if go is None:
        return "There is no go on this machine."
    with one_at_a_time("relying-party-go"):
        folder = _copied("go")
        why = _made(folder, (go, "mod", "download"), (go, "build", "-o", "client", "."))
    return why or (str(folder / "client"),)


PROGRAMS: Mapping[str, Callable[[], Command | str]] = {"openid-client": in_node, "go-oidc": in_go}


def _copied(language: str) -> Path:
    """A folder with the program and its packages' files; a new one when either changed."""
    files = {file.name: file.read_text() for file in (HERE / language).iterdir() if file.is_file()}
    folder = _BUILT / language
    if not all(_has(folder / name, text) for name, text in files.items()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    return folder


def _has(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _made(folder: Path, fetch: Command, build: Command | None = None) -> str:
    """Fetches packages and builds, once; why that failed, if packages cannot be had."""
    done = folder / "done"
    if done.exists():
        return ""
    fetched = _run(fetch, folder)
    if fetched.returncode != 0:
        last = (fetched.stderr or fetched.stdout).strip().splitlines()[-1:]
        return f"{Path(fetch[0]).name} cannot fetch its packages: {' '.join(last)}"
    if build is not None:
        built = _run(build, folder)
        assert built.returncode == 0, built.stdout + built.stderr
    done.touch()
    return ""


def _run(command: Command, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **_GO_SETTINGS},
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
