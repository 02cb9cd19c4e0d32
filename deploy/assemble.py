"""Put the contents of an image together: our packages, and the program that starts them.

The build of the image runs this file alone; it needs requirements/compile.txt and a C compiler.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

MIGRATIONS = "migrations"
"""The image that migrates: of all packages that have a schema just that, and dbmate."""

DBMATE = "dbmate"
"""The only program of a library that an image starts."""

_ENTRY = re.compile(r"^\w.*\n(?: .*\n)*", re.MULTILINE)
"""A package of a lock: its name and version, then indented its hashes and who needs it."""

_START_SERVICE = """\
#!/bin/sh
exec {python} -P -m {module} "$@"
"""
_START_ANY = """\
#!/bin/sh
service=$1
shift
exec {python} -P -m "$(echo "$service" | tr - _).schema" "$@"
"""


def assemble(image: str, sources: Path, python: Path, target: Path) -> None:
    """Install the packages of `image` into `target`, with the program `barong`.

    `sources` has the folders `shared` and `services`, the locks, and the programs that this one
    starts; `python` is the interpreter of the image, beside the libraries that all images have.
    Raises `CalledProcessError`.
    """
    if image == MIGRATIONS:
        folders = sorted(path.parents[2] for path in sources.glob("services/*/src/*/migrations"))
        start = _START_ANY.format(python=python)
    else:
        folders = [sources / "services" / image]
        start = _START_SERVICE.format(python=python, module=image.replace("-", "_"))
    _pip(
        *(target, "--no-index", "--no-deps", "--no-build-isolation"),
        *(sources / "shared", *folders),
    )
    if image == MIGRATIONS:
        for package in (folder.name.replace("-", "_") for folder in folders):
            _keep_schema(target / package)
    if image == "authz-gateway":
        subprocess.run(
            [sys.executable, sources / "compiled.py", "--python", python, target], check=True
        )
    _install_own_libraries(image, sources, target)
    if image == "console-svc":
        subprocess.run([sys.executable, sources / "locales.py", target], check=True)
    if extensions := [*target.rglob("*.so")]:
        subprocess.run(["strip", "--strip-unneeded", *extensions], check=True)
    program = target / "barong"
    program.write_text(start)
    for path in (target, *target.rglob("*")):
        executable = path.is_dir() or path.parent.name == "bin" or path == program
        path.chmod(0o555 if executable else 0o444)


def _keep_schema(package: Path) -> None:
    """Removes everything from a package but its schema and its migrations."""
    for path in package.iterdir():
        if path.is_dir() and path.name != "migrations":
            shutil.rmtree(path)
        elif path.is_file() and path.name not in ("__init__.py", "schema.py"):
            path.unlink()


def _install_own_libraries(image: str, sources: Path, target: Path) -> None:
    """What the lock of `image` has beside the libraries of all images; some images have none."""
    lock, common = sources / f"{image}.txt", sources / "runtime.txt"
    if not lock.exists():
        return
    everywhere = {entry.split()[0] for entry in _ENTRY.findall(common.read_text())}
    own = [
        entry for entry in _ENTRY.findall(lock.read_text()) if entry.split()[0] not in everywhere
    ]
    chosen = sources / "own.txt"
    chosen.write_text("".join(own))
    _pip(target, "--no-deps", "--require-hashes", "--only-binary=:all:", "-r", chosen)
    for program in (target / "bin").iterdir() if (target / "bin").exists() else ():
        if program.name != DBMATE:
            program.unlink()


def _pip(target: Path, *arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--target", target, *arguments], check=True
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", help=f"identity-svc, …, or {MIGRATIONS}")
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    assemble(**vars(parser.parse_args()))
