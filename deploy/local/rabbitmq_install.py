"""Find RabbitMQ on this machine, or unpack the distribution's packages into a folder."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import debian_packages
from deploy.local.processes import StartError

_PACKAGE = "rabbitmq-server"


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
    try:
        debian_packages.unpack(_PACKAGE, folder, parts=r"erlang-[\w-]+")
    except StartError as error:
        raise StartError(f"{error}\nOr set AMQP_URL to a broker that runs already.") from error
    _relocate_erlang(folder)
    found = _installed(folder)
    if found is None:
        raise StartError(debian_packages.how_to_install(_PACKAGE))
    debian_packages.complete(folder)
    return found


def _downloaded(folder: Path) -> Installation | None:
    # Erlang's scripts were changed for the place that the note of completion tells of.
    return _installed(folder) if debian_packages.is_complete(folder) else None


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
    own = {} if root == Path("/") else debian_packages.libraries(root)
    return Installation(home=homes[-1], env=env | own)
