"""Files for their owner's eyes only."""

import secrets
from pathlib import Path


def write(file: Path, content: str) -> None:
    """Replace `file` by one with `content`; readers see the old one or the new one, whole."""
    unfinished = file.with_name(f"{file.name}.new")
    # Its mode counts from the beginning, not from when it is written.
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(content)
    unfinished.replace(file)


def secret(file: Path) -> str:
    """Return the secret kept in `file`, which is made the first time."""
    if not file.exists():
        write(file, secrets.token_hex(24))
    return file.read_text()
