"""Programs in Node, Go and Java, with packages of their registries: fetched and built once.

A program is made in a folder of its own below `.local`, and again only if one of its files changed.
Where a toolchain or a registry is missing, the result is a sentence that says so: a reason to skip.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

_MADE = ROOT / ".local" / "interop"
_SECONDS = 600
GO_SETTINGS = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly -trimpath",
    "GOTOOLCHAIN": "local",
}
"""Builds with the same settings share Go's cache: what one has compiled, another only links."""
_NPM_CI = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_MAVEN = ("mvn", "-q", "-B")

Command: TypeAlias = Sequence[str]
Files: TypeAlias = Mapping[str, str]
"""Texts of files by their paths in the program's folder."""


def files_in(folder: Path, *names: str) -> dict[str, str]:
    """The files of these names in a folder; without names, all files below it."""
    found = [folder / name for name in names] or [f for f in folder.rglob("*") if f.is_file()]
    return {str(file.relative_to(folder)): file.read_text() for file in found}


def in_node(name: str, files: Files, script: str) -> Command | str:
    """The command of a script, with the packages of its lock; or why there is none."""
    made = installed_by_npm(name, files)
    return made if isinstance(made, str) else ("node", str(made / script))


def installed_by_npm(name: str, files: Files) -> Path | str:
    """A folder with `node_modules`, for programs that run elsewhere; or why there is none."""
    return _made(name, files, "node", _NPM_CI)


def in_go(name: str, files: Files, package: str = ".") -> Command | str:
    """The command of a program in Go: its own package, or another one that it requires."""
    build = ("go", "build", "-o", "program", package)
    made = _made(name, files, "go", ("go", "mod", "download"), build)
    return made if isinstance(made, str) else (str(made / "program"),)


def in_java(name: str, files: Files, main: str) -> Command | str:
    """The command of a class, with the dependencies of its `pom.xml`; or why there is none."""
    made = _made(name, files, "java", (*_MAVEN, _COPY), (*_MAVEN, "compile"))
    if isinstance(made, str):
        return made
    return "java", "-cp", f"{made}/target/classes:{made}/target/dependency/*", main


def _made(
    name: str, files: Files, language: str, fetch: Command, build: Command | None = None
) -> Path | str:
    for program in (language, fetch[0]):
        if shutil.which(program) is None:
            return f"There is no {program} on this machine."
    folder = _MADE / name
    with one_at_a_time(f"interop-{name}"):
        done = folder / "done"
        if done.exists() and all(_has(folder / path, text) for path, text in files.items()):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        fetched = _run(fetch, folder)
        if fetched.returncode != 0:
            last = (fetched.stderr or fetched.stdout).strip().splitlines()[-1:]
            return f"{fetch[0]} cannot fetch its packages: {' '.join(last)}"
        if build is not None:
            built = _run(build, folder)
            assert built.returncode == 0, built.stdout + built.stderr
        done.touch()
    return folder


def _has(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _run(command: Command, folder: Path) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **GO_SETTINGS},
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no end within {_SECONDS} s")
