"""Overlays as kustomize renders them: kubectl's, that of this machine, or one built for it."""

import functools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests.support.distribution import one_at_a_time
from tests.support.go_programs import go_of_the_index, run
from tests.support.system import ROOT

Resource: TypeAlias = dict[str, Any]

_BUILT = ROOT / ".local" / "kustomize"
_LOCKS = ROOT / "deploy" / "kustomize"


@functools.cache
def rendered(folder: str) -> tuple[Resource, ...]:
    """What `kubectl kustomize` prints for a folder of ours; it is not to be changed."""
    done = subprocess.run(
        [*_command(), ROOT / folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


@functools.cache
def _command() -> tuple[str | Path, ...]:
    if (kubectl := shutil.which("kubectl")) and _is_new(kubectl):
        return kubectl, "kustomize"
    with one_at_a_time("kustomize"):
        if not _is_built():
            print("building kustomize, this once", file=sys.stderr)
            _build()
    return _BUILT / "kustomize", "build"


def _is_new(kubectl: str) -> bool:
    """Whether it has kustomize 5: Debian 12 has a kubectl with the second."""
    done = subprocess.run(
        [kubectl, "version", "--client", "--output=json"], capture_output=True, check=False
    )
    return not done.returncode and json.loads(done.stdout)["kustomizeVersion"] >= "v5"


def _is_built() -> bool:
    note = _BUILT / "go.sum"
    return note.exists() and note.read_bytes() == (_LOCKS / "go.sum").read_bytes()


def _build() -> None:
    """Builds it with the Go of the package index, of sources that go.sum knows by their hashes."""
    shutil.rmtree(_BUILT, ignore_errors=True)
    _BUILT.mkdir(parents=True)
    with go_of_the_index() as go, tempfile.TemporaryDirectory() as scratch:
        run(
            *(str(go), "build", "-C", str(_LOCKS), "-ldflags=-s -w"),
            *("-o", str(_BUILT / "kustomize"), "sigs.k8s.io/kustomize/kustomize/v5"),
            CGO_ENABLED="0",
            GOCACHE=f"{scratch}/cache",
            GOFLAGS="-mod=readonly -modcacherw",
            GOPATH=f"{scratch}/go",
            GOTOOLCHAIN="local",
        )
    shutil.copy(_LOCKS / "go.sum", _BUILT)
