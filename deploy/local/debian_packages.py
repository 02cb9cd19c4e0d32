"""Programs of the distribution, unpacked into a folder: no root, no system service, no trace."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.local.processes import StartError

_APT_SECONDS = 300
_COMPLETE = "complete"
# `Inst libodbc2 (2.3.11 Debian:12 [amd64])`: what apt would install, were we to ask it.
_WOULD_INSTALL = re.compile(r"^Inst (lib\S+)", re.MULTILINE)


def unpack(package: str, folder: Path, *, parts: str = "") -> None:
    """Download `package` into `folder`, emptied first, with the libraries that are missing here.

    `parts` is a pattern of those of its dependencies that are needed, too. Raises StartError with
    the command that would help.
    """
    shutil.rmtree(folder, ignore_errors=True)
    archives = folder / "archives"
    archives.mkdir(parents=True)
    try:
        _fetch(archives, package, parts)
        for archive in archives.glob("*.deb"):
            _run("dpkg", "-x", str(archive), str(folder))
    except (subprocess.SubprocessError, OSError) as error:
        details = getattr(error, "stderr", None) or str(error)
        raise StartError(f"{how_to_install(package)}\n{details.strip()}") from error
    shutil.rmtree(archives)


def complete(folder: Path) -> None:
    """Note that all is there; folders that somebody moved are not complete any more."""
    (folder / _COMPLETE).write_text(str(folder))


def is_complete(folder: Path) -> bool:
    """Tell whether `folder` was completed, at this place."""
    note = folder / _COMPLETE
    return note.exists() and note.read_text() == str(folder)


def libraries(folder: Path) -> dict[str, str]:
    """Return what the programs of `folder` need in their environment to find their libraries."""
    places = ("usr/lib/*-linux-*", "usr/lib/*-linux-*/pulseaudio")
    path = ":".join(str(found) for place in places for found in folder.glob(place))
    return {"LD_LIBRARY_PATH": path} if path else {}  # an empty one would mean the current folder


def how_to_install(package: str) -> str:
    """Return what to tell somebody who lacks a package."""
    return (
        f"{package} is missing: install it with "
        f"`apt-get install -y --no-install-recommends {package}`"
    )


def _fetch(archives: Path, package: str, parts: str) -> None:
    try:
        _download(archives, package, parts)
    except subprocess.SubprocessError:
        # The machine's package lists are missing or too old; keep our own beside the archives.
        (archives / "lists" / "partial").mkdir(parents=True)
        lists = f"Dir::State::lists={archives / 'lists'}"
        _run("apt-get", "-o", lists, "update", cwd=archives)
        _download(archives, package, parts, "-o", lists)


def _download(archives: Path, package: str, parts: str, *options: str) -> None:
    plan = _run("apt-get", *options, "install", "--simulate", "--no-install-recommends", package)
    packages = {package, *_WOULD_INSTALL.findall(plan)}
    if parts:
        tree = _run(
            *("apt-cache", *options, "depends", "--recurse", "--no-recommends", "--no-suggests"),
            *("--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", package),
        )
        packages.update(re.findall(rf"^({parts})$", tree, re.MULTILINE))
    _run("apt-get", *options, "download", *sorted(packages), cwd=archives)


def _run(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=_APT_SECONDS,
    ).stdout
