"""Programs in Go of one file: built with the Go of this machine, else with the locked one."""

from pathlib import Path

from deploy.go_tools import go, run
from deploy.local.processes import StartError
from tests.support.system import ROOT

_CACHE = ROOT / ".local" / "programs" / "go-cache"


def build_file(source: Path, program: Path) -> None:
    """Builds a program of one file that needs the standard library alone.

    The first one takes some seconds more, for that library. Raises StartError where there is no Go.
    """
    with go() as found:
        _build_file(found, source, program)


def _build_file(go: Path, source: Path, program: Path) -> None:
    _CACHE.mkdir(parents=True, exist_ok=True)
    try:
        run(
            *(str(go), "build", "-o", str(program), str(source)),
            CGO_ENABLED="0",
            GO111MODULE="off",
            GOCACHE=str(_CACHE),
            GOFLAGS="",
            GOTOOLCHAIN="local",
        )
    except StartError as error:
        raise AssertionError(error) from error  # Go is there: the fault is in our file
