"""Files of KEY=VALUE lines that a shell can source."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from deploy.local import private_files


def write(file: Path, values: Mapping[str, str]) -> None:
    """Replace `file` by one with `values`, for its owner's eyes only."""
    lines = (f"{key}={shlex.quote(value)}\n" for key, value in values.items())
    private_files.write(file, "".join(lines))


def read(file: Path) -> dict[str, str]:
    """Return the values that `write` put into `file`; none when there is no such file."""
    if not file.exists():
        return {}
    return dict(
        assignment.split("=", 1) for assignment in shlex.split(file.read_text(), comments=True)
    )
