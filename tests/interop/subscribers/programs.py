"""The subscribers of docs/subscribers in other languages, made of their pages."""

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.interop import programs
from tests.interop.programs import Command, Files, files_in
from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

HERE = Path(__file__).parent
_LIBRARY = ROOT / "clients" / "python-events"
_SECONDS = 300
_EXAMPLE = re.compile(r"<!-- example -->\n```\w+\n(.*?)```\n<!-- /example -->", re.DOTALL)


def documented(page: Path) -> str:
    """The example of a page."""
    found = _EXAMPLE.search(page.read_text())
    assert found is not None
    return found[1]


@functools.cache
def in_node() -> Command | str:
    """The program's command, or why there is none."""
    files = _with_packages("node", "subscriber.mjs")
    return programs.in_node("subscriber-node", files, "subscriber.mjs")


@functools.cache
def in_go() -> Command | str:
    """As `in_node`."""
    return programs.in_go("subscriber-go", _with_packages("go", "subscriber.go"))


@functools.cache
def in_java() -> Command | str:
    """As `in_node`."""
    files = _with_packages("java", "src/main/java/Subscriber.java")
    return programs.in_java("subscriber-java", files, "Subscriber")


@functools.cache
def in_python() -> Command | str:
    """barong_events, installed from its wheel into an environment of its own."""
    uv = Path(sys.executable).with_name("uv")
    folder = ROOT / ".local" / "interop" / "subscriber-python"
    with one_at_a_time("interop-subscriber-python"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
        built = _run(build, _LIBRARY)
        assert built.returncode == 0, built.stdout + built.stderr
        [wheel] = folder.glob("*.whl")
        made = _run((str(uv), "venv", "--quiet", "--python", sys.executable, "venv"), folder)
        assert made.returncode == 0, made.stderr
        python = folder / "venv" / "bin" / "python"
        install = (str(uv), "pip", "install", "--quiet", "--python", str(python), str(wheel))
        installed = _run(install, folder)
        program = folder / "subscriber.py"
        program.write_text(documented(_LIBRARY / "README.md"))
    if installed.returncode != 0:
        return f"uv cannot fetch its packages: {installed.stderr.strip()[-200:]}"
    return str(python), str(program)


LANGUAGES: Mapping[str, Callable[[], Command | str]] = {
    "python": in_python,
    "node": in_node,
    "go": in_go,
    "java": in_java,
}


def _with_packages(language: str, name: str) -> Files:
    """The page's program, and the list of its packages."""
    program = documented(ROOT / "docs" / "subscribers" / f"{language}.md")
    return {**files_in(HERE / language), name: program}


def _run(command: Command, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=_SECONDS
    )
