"""Find RabbitMQ on this machine, or unpack the distribution's packages into a folder."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import StartError

_PACKAGE = "rabbitmq-server"
_APT_SECONDS = 300
_COMPLETE = "complete"
_HELP = (
    "RabbitMQ is missing: install it with `apt-get install -y --no-install-recommends "
    f"{_PACKAGE}`, or set AMQP_URL to a broker that runs already"
)
# `Inst libodbc2 (2.3.11 Debian:12 [amd64])`: what apt would install, were we to ask it.
_WOULD_INSTALL = re.compile(r"^Inst (lib\S+)", re.MULTILINE)
_DEPENDENCY = re.compile(rf"^(erlang-[\w-]+|{_PACKAGE})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Installation:
    """RabbitMQ's own folder, and what its programs need in their environment."""

    home: Path
    env: Mapping[str, str]


def find_or_download(folder: Path) -> Installation:
    """Return the RabbitMQ of this machine or of `folder`, downloading it there if need be.

    Raises StartError with the command that would help.
    """
    found = _installed(Path("/"))
    return found or _downloaded(folder.resolve()) or download(folder.resolve())


def download(folder: Path) -> Installation:
    """Fetch RabbitMQ, Erlang and the libraries missing here into `folder`, without root.

    Root gets it this way, too: a package that is merely unpacked starts no system service, makes
    no users and leaves with the folder.
    """
    print("downloading RabbitMQ, this once", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "archives").mkdir(parents=True)
    try:
        _fetch(folder / "archives")
        for archive in (folder / "archives").glob("*.deb"):
            _run("dpkg", "-x", str(archive), str(folder))
    except (subprocess.SubprocessError, OSError) as error:
        details = getattr(error, "stderr", None) or str(error)
        raise StartError(f"{_HELP}\n{details.strip()}") from error
    shutil.rmtree(folder / "archives")
    _relocate_erlang(folder)
    found = _installed(folder)
    if found is None:
        raise StartError(_HELP)
    (folder / _COMPLETE).write_text(str(folder))
    return found


def _downloaded(folder: Path) -> Installation | None:
    # The note is written last, and tells for which place Erlang's scripts were changed.
    note = folder / _COMPLETE
    if note.exists() and note.read_text() == str(folder):
        return _installed(folder)
    return None


def _fetch(archives: Path) -> None:
    try:
        _apt_download(archives)
    except subprocess.SubprocessError:
        # The machine's package lists are missing or too old; keep our own beside the archives.
        (archives / "lists" / "partial").mkdir(parents=True)
        lists = f"Dir::State::lists={archives / 'lists'}"
        _run("apt-get", "-o", lists, "update", cwd=archives)
        _apt_download(archives, "-o", lists)


def _apt_download(archives: Path, *options: str) -> None:
    tree = _run(
        *("apt-cache", *options, "depends", "--recurse", "--no-recommends", "--no-suggests"),
        *("--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", _PACKAGE),
    )
    plan = _run(
        *("apt-get", *options, "install", "--simulate", "--no-install-recommends", _PACKAGE)
    )
    packages = {*_DEPENDENCY.findall(tree), *_WOULD_INSTALL.findall(plan)}
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


def _relocate_erlang(root: Path) -> None:
    """Point Erlang's start scripts, which hold its absolute place, to where we unpacked it."""
    for script in root.glob("usr/lib/erlang/**/bin/*"):
        if script.is_file() and not script.is_symlink():
            content = script.read_bytes()
            if content.startswith(b"#!"):
                moved = b"=" + os.fsencode(root) + b"/usr/lib/erlang"
                script.write_bytes(content.replace(b"=/usr/lib/erlang", moved))


def _installed(root: Path) -> Installation | None:
    homes = sorted(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*"))
    erlang = root / "usr/lib/erlang/bin"
    if not homes or not (erlang / "erl").exists():
        return None
    env = {"PATH": f"{erlang}:{os.defpath}:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
    libraries = () if root == Path("/") else root.glob("usr/lib/*-linux-*")
    if path := ":".join(map(str, libraries)):
        # An empty path would mean the current folder.
        env["LD_LIBRARY_PATH"] = path
    return Installation(home=homes[-1], env=env)
