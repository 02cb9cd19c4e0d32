"""The Dockerfile as data, and its steps done without an engine, in a folder instead of a root."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.manifests import MIGRATIONS
from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

FILE = ROOT / "deploy" / "Dockerfile"
PLACE = ROOT / ".local" / "images"
"""Stands for the root of the file system in which the steps are done."""
_STEP_SECONDS = 1800  # the compiler alone takes minutes on a busy machine
_PLACES = re.compile(r"(?<![\w/])/(opt/barong|app|build)\b")


@dataclass(slots=True)
class Stage:
    """A stage by its name, and its instructions with their arguments, in order."""

    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        """The arguments of every such instruction."""
        return [arguments for each, arguments in self.instructions if each == keyword]


def stages() -> list[Stage]:
    """The stages, after one without a name for what stands before the first FROM."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.MULTILINE)
    made = [Stage("")]
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        keyword, _, arguments = line.partition(" ")
        if keyword == "FROM":
            made.append(Stage(arguments.partition(" AS ")[2]))
        else:
            made[-1].instructions.append((keyword, " ".join(arguments.split())))
    return made


def build(service: str) -> Path:
    """Do all but the last stage in `PLACE`, and return the program that the image starts.

    A stage is done again when its instructions or what it copies have changed, as Docker does; of
    `services`, an image of one service gets that one only. So a compiled gateway is made once, for
    all tests and until a source of it changes.
    """
    with one_at_a_time("images"):
        made_of = hashlib.sha256(f"{sys.version} {sys.executable}".encode())
        for stage in stages()[1:-1]:
            own = "SERVICE" in stage.all("ARG")
            made_of.update(f"{service if own else ''} {stage.instructions}".encode())
            for source in _sources(stage, service):
                _add(made_of, source)
            done = PLACE / "done" / (service if own else stage.name)
            if done.exists() and done.read_text() == made_of.hexdigest():
                continue
            if own:
                _remove(PLACE / "build")
                _remove(PLACE / "app")
            else:  # all else is made with it
                _remove(PLACE)
                python = PLACE / "python"  # stands for the base images
                command = [sys.executable, "-m", "venv", str(python)]
                subprocess.run(command, check=True, timeout=_STEP_SECONDS)
            done.unlink(missing_ok=True)
            _do(stage, service)
            if own:  # the next service finds an empty folder
                _remove(PLACE / f"app-{service}")
                (PLACE / "app").rename(PLACE / f"app-{service}")
            done.parent.mkdir(exist_ok=True)
            done.write_text(made_of.hexdigest())
    return PLACE / f"app-{service}" / "barong"


def _do(stage: Stage, service: str) -> None:
    environment = {"PATH": f"{PLACE}/python/bin:{os.environ['PATH']}", "SERVICE": service}
    for keyword, arguments in stage.instructions:
        match keyword:
            case "COPY" if arguments.startswith("--from="):
                _, _, target = arguments.split()  # all stages work in one folder: it is there
                assert _within(target).exists()
            case "COPY":
                _copy(arguments, service)
            case "ENV":
                environment |= dict(pair.split("=", 1) for pair in arguments.split())
            case "RUN":
                _run(arguments, environment)
            case _:
                assert keyword == "ARG", f"{keyword} is not known here"


def _sources(stage: Stage, service: str) -> Iterator[Path]:
    """What the stage copies from the repository."""
    for arguments in stage.all("COPY"):
        if not arguments.startswith("--from="):
            for source in arguments.split()[:-1]:
                yield ROOT / _part(source, service)


def _part(source: str, service: str) -> str:
    """What an image needs of `source`."""
    return f"services/{service}" if source == "services" and service != MIGRATIONS else source


def _add(digest: "hashlib._Hash", source: Path) -> None:
    for path in (source, *sorted(source.rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)


def _copy(arguments: str, service: str) -> None:
    *sources, target = arguments.split()
    for source in sources:
        part = _part(source, service)
        there = _within(target) / Path(part).relative_to(source)
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, there, ignore=ignored, dirs_exist_ok=True)
        else:
            there.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, there)


def _within(place: str) -> Path:
    return PLACE / place.lstrip("/")


def _remove(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)  # nobody writes to an image
    shutil.rmtree(folder, ignore_errors=True)


def _run(arguments: str, environment: Mapping[str, str]) -> None:
    script = re.sub(r"--mount=\S+ ", "", arguments)
    done = subprocess.run(
        ["sh", "-c", _PLACES.sub(lambda match: f"{PLACE}/{match[1]}", script)],
        env={**_network(), **environment},
        capture_output=True,
        text=True,
        timeout=_STEP_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def _network() -> dict[str, str]:
    """How this machine reaches its package index: what the secrets say in a real build."""
    kept = ("PIP_", "HTTP", "http", "NO_PROXY", "no_proxy", "SSL_", "HOME")
    return {key: value for key, value in os.environ.items() if key.startswith(kept)}
