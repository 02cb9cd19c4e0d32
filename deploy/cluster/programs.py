"""The programs of a cluster, built from their Go modules once for each version."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.go_tools import go
from deploy.images.engine import NoEngineError, install

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".local" / "cluster"
"""Everything that a cluster makes on this machine lies here."""

_MODULES = Path(__file__).parent / "go"
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/local/go/bin:/usr/lib/go/bin:/usr/sbin:/sbin"
_BEGAN = time.monotonic()
_LIMIT = "BARONG_CLUSTER_BUILD_SECONDS"
_BUILD_SECONDS = 1800.0
KUBERNETES = "1.34.4"
_KUBERNETES_COMMANDS = "k8s.io/kubernetes/cmd"
_VERSION = "k8s.io/component-base/version"

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kubectl")
NODE = ("kube-scheduler", "kubelet", "kube-proxy")
ROUTER = "kube-router"
_PACKAGES = {
    **{name: f"{_KUBERNETES_COMMANDS}/{name}" for name in (*CONTROL_PLANE, *NODE)},
    ROUTER: "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
}


class NoClusterError(Exception):
    """No cluster can be had on this machine; the message says why."""


def built(names: Sequence[str]) -> Path:
    """The folder with these programs, built where they are missing; raises `NoClusterError`.

    The name of the folder is a digest of the locked modules, so another version is built anew.
    """
    module = _MODULES / "kubernetes"
    folder = FOLDER / "programs" / _digest(module)
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        with _alone(folder):
            for name in (name for name in missing if not (folder / name).exists()):
                began = time.monotonic()
                _go(
                    *(module, "build", "-trimpath", "-ldflags", f"-s -w {_version_flags()}"),
                    *("-o", str(folder / f"{name}.part"), _PACKAGES[name]),
                )
                (folder / f"{name}.part").replace(folder / name)
                print(f"{name} built in {time.monotonic() - began:.0f} s", flush=True)
    return folder


def are_built(names: Sequence[str]) -> bool:
    """Whether these programs are there already."""
    folder = FOLDER / "programs" / _digest(_MODULES / "kubernetes")
    return all((folder / name).exists() for name in names)


def definitions() -> Path:
    """The folder with the operators' CustomResourceDefinitions, made by controller-gen.

    They come from the operators' own modules. Raises `NoClusterError`.
    """
    module = _MODULES / "definitions"
    folder = FOLDER / "definitions" / _digest(module)
    with _alone(folder):
        if not (folder / "complete").exists():
            began = time.monotonic()
            imported = (module / "definitions.go").read_text().split('_ "')[1:]
            paths = ";".join(line.partition('"')[0] for line in imported)
            _go(
                *(module, "tool", "controller-gen", "crd", f"paths={paths}"),
                f"output:crd:dir={folder}",
            )
            (folder / "complete").touch()
            print(f"definitions made in {time.monotonic() - began:.0f} s", flush=True)
    return folder


def debian(program: str, package: str) -> str:
    """The path of a program of Debian's, installed if root may; raises `NoClusterError`."""
    found = shutil.which(program, path=_PLACES)
    if found is None:
        try:
            install(package)
        except NoEngineError as error:
            raise NoClusterError(str(error)) from None
        found = shutil.which(program, path=_PLACES)
    if found is None:
        raise NoClusterError(f"{package} has no {program}")
    return found


def needs_root() -> None:
    """Raises `NoClusterError` unless root runs this."""
    if os.geteuid() != 0:
        raise NoClusterError("only root can start one")


def _go(module: Path, *arguments: str) -> None:
    limit = float(os.environ.get(_LIMIT, _BUILD_SECONDS))
    with go() as found:
        try:
            done = subprocess.run(
                (str(found), *arguments),
                cwd=module,
                env={
                    **os.environ,
                    "CGO_ENABLED": "0",
                    "GOFLAGS": "-mod=readonly -modcacherw",
                    "GOTOOLCHAIN": "local",
                },
                capture_output=True,
                text=True,
                timeout=max(0.1, _BEGAN + limit - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired:
            # What was compiled is in Go's cache.
            raise NoClusterError(
                f"building takes more than {limit:.0f} s; the next run goes on from there"
            ) from None
    if done.returncode:
        raise NoClusterError(f"go {arguments[0]} fails: {done.stderr.strip()[-600:]}")


def _version_flags() -> str:
    major, minor, _ = KUBERNETES.split(".")
    return (
        f"-X {_VERSION}.gitVersion=v{KUBERNETES} "
        f"-X {_VERSION}.gitMajor={major} -X {_VERSION}.gitMinor={minor}"
    )


def _digest(module: Path) -> str:
    """Changes with the locked versions, the imports and the version that programs tell."""
    files = (path.read_bytes() for path in sorted(module.iterdir()))
    return hashlib.sha256(b"".join((*files, KUBERNETES.encode()))).hexdigest()[:12]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two at once: the second waits, and then finds everything done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
