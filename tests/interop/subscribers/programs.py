"""The subscribers of docs/subscribers in other languages, made of their pages."""

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

HERE = Path(__file__).parent
_BUILT = ROOT / ".local" / "subscribers"
_LIBRARY = ROOT / "clients" / "python-events"
_SECONDS = 300
_EXAMPLE = re.compile(r"<!-- example -->\n```\w+\n(.*?)```\n<!-- /example -->", re.DOTALL)

Command = Sequence[str]


def documented(page: Path) -> str:
    """The example of a page."""
    found = _EXAMPLE.search(page.read_text())
    assert found is not None
    return found[1]


@functools.cache
def in_node() -> Command | str:
    """The program's command, or why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "There is no node and npm on this machine."
    install = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    with one_at_a_time("subscriber-node"):
        folder = _copied("node", "subscriber.mjs")
        why = _made(folder, install)
    return why or (node, str(folder / "subscriber.mjs"))


@functools.cache
def in_go() -> Command | str:
    """As `in_node`."""
    go = shutil.which("go")
    if go is None:
        return "There is no go on this machine."
    with one_at_a_time("subscriber-go"):
        folder = _copied("go", "subscriber.go")
        why = _made(folder, (go, "mod", "download"), (go, "build", "-o", "subscriber", "."))
    return why or (str(folder / "subscriber"),)


@functools.cache
def in_java() -> Command | str:
    """As `in_node`."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        return "There is no java and mvn on this machine."
    copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    with one_at_a_time("subscriber-java"):
        folder = _copied("java", "src/main/java/Subscriber.java")
        why = _made(folder, (maven, "-q", "-B", copy), (maven, "-q", "-B", "compile"))
    return why or (
        java,
        "-cp",
        f"{folder}/target/classes:{folder}/target/dependency/*",
        "Subscriber",
    )


@functools.cache
def in_python() -> Command | str:
    """barong_events, installed from its wheel into an environment of its own."""
    uv = Path(sys.executable).with_name("uv")
    with one_at_a_time("subscriber-python"):
        folder = _BUILT / "python"
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
        why = _made(folder, install)
        program = folder / "subscriber.py"
        program.write_text(documented(_LIBRARY / "README.md"))
    return why or (str(python), str(program))


LANGUAGES: Mapping[str, Callable[[], Command | str]] = {
    "python": in_python,
    "node": in_node,
    "go": in_go,
    "java": in_java,
}


def _copied(language: str, name: str) -> Path:
    """A folder with the page's program and its packages' files; a new one when either changed."""
    files = {file.name: file.read_text() for file in (HERE / language).iterdir()}
    files[name] = documented(ROOT / "docs" / "subscribers" / f"{language}.md")
    folder = _BUILT / language
    if not all(_has(folder / each, text) for each, text in files.items()):
        shutil.rmtree(folder, ignore_errors=True)
        for each, text in files.items():
            (folder / each).parent.mkdir(parents=True, exist_ok=True)
            (folder / each).write_text(text)
    return folder


def _has(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _made(folder: Path, fetch: Command, build: Command | None = None) -> str:
    """Fetches packages and builds, once; why that failed, if packages cannot be had."""
    done = folder / "done"
    if done.exists():
        return ""
    fetched = _run(fetch, folder)
    if fetched.returncode != 0:
        last = (fetched.stderr or fetched.stdout).strip().splitlines()[-1:]
        return f"{Path(fetch[0]).name} cannot fetch its packages: {' '.join(last)}"
    if build is not None:
        built = _run(build, folder)
        assert built.returncode == 0, built.stdout + built.stderr
    done.touch()
    return ""


def _run(command: Command, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
