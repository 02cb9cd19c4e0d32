"""A slim copy of RabbitMQ's folder, which starts in half the time.

Erlang looks for each module in one plugin folder after the other, and RabbitMQ loads all of its
modules at start: with the sixty folders of the distribution that takes 5.5 seconds, with the
twenty that the broker itself needs 2.4.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

_ROOTS = ("rabbit", "rabbitmq_prelaunch")
_APPLICATIONS = re.compile(r"\{\s*applications\s*,\s*\[(.*?)\]", re.DOTALL)
_NAME = re.compile(r"[a-z]\w*")


def build(full: Path, slim: Path) -> Path:
    """Make `slim` a RabbitMQ home with only the broker's own applications, and return it."""
    shutil.rmtree(slim, ignore_errors=True)
    # Copied, because the scripts take their own real place for RabbitMQ's home.
    shutil.copytree(full / "sbin", slim / "sbin")
    (slim / "escript").symlink_to(full / "escript")
    (slim / "plugins").mkdir()
    for folder in _needed(full / "plugins").values():
        (slim / "plugins" / folder.name).symlink_to(folder)
    return slim


def _needed(plugins: Path) -> Mapping[str, Path]:
    """Return the folder of each application that the broker needs, itself included."""
    descriptions = {file.stem: file for file in plugins.glob("*/ebin/*.app")}
    needed: dict[str, Path] = {}
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop()
        # Those without a folder here are part of Erlang.
        if name in descriptions and name not in needed:
            needed[name] = descriptions[name].parent.parent
            listed = _APPLICATIONS.search(descriptions[name].read_text())
            waiting += _NAME.findall(listed[1]) if listed else []
    return needed
