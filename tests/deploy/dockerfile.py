"""The Dockerfile as data, and its steps done without an engine, in a folder instead of a root."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.system import ROOT

FILE = ROOT / "deploy" / "Dockerfile"
_STEP_SECONDS = 300
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


def build(root: Path, service: str) -> Path:
    """Do all but the last stage below `root`, and return the program that the image starts."""
    python = root / "python"
    if not python.exists():  # stands for the base images
        subprocess.run([sys.executable, "-m", "venv", python], check=True, timeout=_STEP_SECONDS)
    for stage in stages()[1:-1]:
        if stage.name == "libraries" and (root / "opt/barong").exists():
            continue  # as Docker does, which knows that no argument changed
        environment = {"PATH": f"{python}/bin:{os.environ['PATH']}", "SERVICE": service}
        for keyword, arguments in stage.instructions:
            match keyword:
                case "COPY" if arguments.startswith("--from="):
                    _, _, target = arguments.split()  # all stages work in one folder: it is there
                    assert (root / target.lstrip("/")).exists()
                case "COPY":
                    _copy(arguments, root)
                case "ENV":
                    environment |= dict(pair.split("=", 1) for pair in arguments.split())
                case "RUN":
                    _run(arguments, root, environment)
                case _:
                    assert keyword == "ARG", f"{keyword} is not known here"
    return _moved(root / f"app-{service}", root)


def _copy(arguments: str, root: Path) -> None:
    *sources, target = arguments.split()
    there = root / target.lstrip("/")
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, there, dirs_exist_ok=True)
        else:
            there.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, there)


def _run(arguments: str, root: Path, environment: Mapping[str, str]) -> None:
    script = re.sub(r"--mount=\S+ ", "", arguments)
    done = subprocess.run(
        ["sh", "-c", _PLACES.sub(lambda match: f"{root}/{match[1]}", script)],
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


def _moved(aside: Path, root: Path) -> Path:
    """Put a service's own layer aside, so that the next one finds an empty folder."""
    shutil.rmtree(aside, ignore_errors=True)
    (root / "app").rename(aside)
    return aside / "barong"
