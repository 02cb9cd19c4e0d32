"""How this machine reaches its package index, as secrets of a build."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_IN_THE_BUILD = "/run/secrets/index_ca"
_SETTINGS = ("index-url", "extra-index-url")


@contextmanager
def index_secrets() -> Iterator[Mapping[str, Path]]:
    """The secrets `pip_conf` and `index_ca`, as files for the time of the block."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "pip.conf")
        lines = ["[global]", *(f"{name} = {value}" for name, value in _settings())]
        secrets = {"pip_conf": configuration}
        if _AUTHORITIES.exists():
            lines.append(f"cert = {_IN_THE_BUILD}")
            secrets["index_ca"] = _AUTHORITIES
        configuration.write_text("\n".join((*lines, "")))
        yield secrets


def _settings() -> Iterator[tuple[str, str]]:
    """What pip on this machine is told of its index, by files or by its environment."""
    for name in _SETTINGS:
        for origin in (":env:", "global"):
            asked = subprocess.run(
                (sys.executable, "-m", "pip", "config", "get", f"{origin}.{name}"),
                capture_output=True,
                text=True,
                check=False,
            )
            if not asked.returncode:
                yield name, asked.stdout.strip()
                break
