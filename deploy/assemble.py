"""Put the contents of an image together: our packages, and the program that starts them.

The build of the image runs this file alone; it needs requirements/compile.txt and a C compiler.
"""

import argparse
import subprocess
import sys
from pathlib import Path

MIGRATIONS = "migrations"
"""The image that migrates: all packages that have a schema, and dbmate."""

_START_SERVICE = """\
#!/bin/sh
exec {python} -P -m {module} "$@"
"""
_START_ANY = """\
#!/bin/sh
service=$1
shift
exec {python} -P -m "$(echo "$service" | tr - _)" "$@"
"""


def assemble(image: str, sources: Path, python: Path, target: Path) -> None:
    """Install the packages of `image` into `target`, with the program `barong`.

    `sources` has the folders `shared` and `services`, and compiled.py; `python` is the interpreter
    of the image, beside the libraries. Raises `CalledProcessError`.
    """
    if image == MIGRATIONS:
        folders = sorted(path.parents[2] for path in sources.glob("services/*/src/*/migrations"))
        start = _START_ANY.format(python=python)
        _pip(target, "--require-hashes", "--only-binary=:all:", "-r", sources / "migrations.txt")
    else:
        folders = [sources / "services" / image]
        start = _START_SERVICE.format(python=python, module=image.replace("-", "_"))
    _pip(
        *(target, "--no-index", "--no-deps", "--no-build-isolation"),
        *(sources / "shared", *folders),
    )
    if image == "authz-gateway":
        subprocess.run(
            [sys.executable, sources / "compiled.py", "--python", python, target], check=True
        )
    program = target / "barong"
    program.write_text(start)
    for path in (target, *target.rglob("*")):
        executable = path.is_dir() or path.parent.name == "bin" or path == program
        path.chmod(0o555 if executable else 0o444)


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
