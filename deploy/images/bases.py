"""The base images: given, pulled, or made of Debian's packages where no registry can be reached."""

import os
import subprocess
import tempfile
from pathlib import Path

from deploy.images.engine import Engine, NoEngineError, install

PYTHON, BUILD = "python:3.11-slim-bookworm", "python:3.11-bookworm"
_OURS = "barong-base"
_RELEASE = "bookworm"
_BUILD_OF_OURS = f"""\
FROM {_OURS}/{PYTHON}
RUN apt-get update --quiet && \\
    apt-get install --yes --quiet --no-install-recommends gcc libc6-dev python3-dev python3-pip
"""


def base_images(engine: Engine) -> tuple[str, str]:
    """The names of PYTHON_IMAGE and BUILD_IMAGE, both there; raises `NoEngineError`.

    `BARONG_PYTHON_IMAGE` and `BARONG_BUILD_IMAGE` name images of one's own.
    """
    given = os.environ.get("BARONG_PYTHON_IMAGE"), os.environ.get("BARONG_BUILD_IMAGE")
    if all(given):
        return given[0] or "", given[1] or ""
    if all(
        engine.succeeds("image", "inspect", image) or engine.succeeds("pull", image, seconds=300)
        for image in (PYTHON, BUILD)
    ):
        return PYTHON, BUILD
    made = f"{_OURS}/{PYTHON}", f"{_OURS}/{BUILD}"
    if not all(engine.succeeds("image", "inspect", image) for image in made):
        _make(engine, *made)
    if not engine.succeeds("run", "--rm", "--network", "none", made[0], "python3", "--version"):
        raise NoEngineError("this machine lets no container run")
    return made


def _make(engine: Engine, python: str, build: str) -> None:
    """Makes stand-ins: Debian with its own Python, and the same with a compiler."""
    install("mmdebstrap")
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "base.tar")
        try:
            subprocess.run(
                (
                    *("mmdebstrap", "--quiet", "--variant=minbase"),
                    "--include=ca-certificates,netbase,python3,python3-venv",
                    *(f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("man", "doc")),
                    *(_RELEASE, str(archive)),
                ),
                capture_output=True,
                timeout=600,
                check=True,
            )
            engine.run("import", "--change", 'CMD ["python3"]', str(archive), python)
            engine.run(
                *("build", "--quiet", "--network", "host", "--tag", build, "-"),
                text=_BUILD_OF_OURS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NoEngineError(f"no base images can be pulled or made here ({error})") from None
