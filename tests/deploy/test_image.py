"""The image: what its steps make, and what it says of itself."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.local import ports
from tests.deploy import dockerfile
from tests.deploy.manifests import SERVICES
from tests.system import ROOT, Installation

FINAL = dockerfile.stages()[-1]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the steps of the Dockerfile are done."""
    return tmp_path_factory.mktemp("image")


@pytest.fixture(scope="module")
def programs(root: Path) -> dict[str, Path]:
    """What the images of the five services start."""
    return {service: dockerfile.build(root, service) for service in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_the_steps_make_a_service_that_starts(programs: dict[str, Path], service: str) -> None:
    program = programs[service]
    done = subprocess.run(
        [program, "serve"],
        env={"PYTHONPATH": str(program.parent), "BARONG_ENV": "production", "PATH": os.defpath},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # It is whole: all it lacks is to be told of its surroundings.
    assert done.returncode == 1
    assert f"{service} cannot start:" in done.stderr
    assert "BARONG_SERVICE_KEYS: Missing" in done.stderr


def test_an_image_has_its_own_service_and_no_tools(programs: dict[str, Path], root: Path) -> None:
    packages = {service.replace("-", "_") for service in SERVICES}
    for service, program in programs.items():
        found = {path.name for path in program.parent.iterdir()}
        assert found & packages == {service.replace("-", "_")}
        assert {"shared", "barong"} <= found
    tools = {"pip", "setuptools", "wheel", "hatchling", "editables", "uv"}
    (site,) = (root / "opt/barong/lib").glob("python*/site-packages")
    assert not tools & {path.name for path in site.iterdir()}
    assert not list((root / "opt/barong/bin").glob("pip*"))
    assert (root / "opt/barong/bin/dbmate").exists()


def test_nobody_writes_to_the_image_and_everybody_reads_it(programs: dict[str, Path]) -> None:
    for program in programs.values():
        for path in program.parent.rglob("*"):
            mode = path.stat().st_mode
            assert mode & 0o022 == 0
            assert mode & 0o044 == 0o044
        assert program.stat().st_mode & 0o111 == 0o111


def test_the_image_runs_as_nobody_in_particular() -> None:
    (user,) = FINAL.all("USER")
    assert re.fullmatch(r"[1-9][0-9]{3,}:[1-9][0-9]{3,}", user)
    assert FINAL.all("ENTRYPOINT") == ['["/app/barong"]']
    assert FINAL.all("CMD") == ['["serve"]']
    assert not [name for stage in dockerfile.stages() for name in stage.all("ADD")]
    assert any("uninstall" in step and "pip" in step for step in FINAL.all("RUN"))


def test_the_file_needs_nothing_from_elsewhere() -> None:
    text = dockerfile.FILE.read_text()
    assert "# syntax=" not in text
    (image,) = dockerfile.stages()[0].all("ARG")
    name, _, default = image.partition("=")
    assert name == "PYTHON_IMAGE"
    assert ":" in default
    assert not default.endswith(":latest")
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 3


def test_nothing_secret_stays_in_a_layer() -> None:
    for stage in dockerfile.stages():
        for declared in (*stage.all("ARG"), *stage.all("ENV")):
            assert not re.search("(?i)token|password|secret|index|://", declared)
    allowed = Path(f"{dockerfile.FILE}.dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    kept = {line[1:] for line in allowed if line.startswith("!")}
    copied = {
        arguments.split()[0]
        for stage in dockerfile.stages()
        for arguments in stage.all("COPY")
        if not arguments.startswith("--from")
    }
    assert kept == copied


def test_the_version_is_what_the_build_said() -> None:
    declared = {name.partition("=")[0] for name in FINAL.all("ARG")}
    assert declared == {"SERVICE", "GIT_TAG", "GIT_SHA", "BUILD_DATE"}
    environment = dict(pair.split("=", 1) for pair in FINAL.all("ENV")[0].split())
    for name in declared - {"SERVICE"}:
        assert environment[f"BARONG_{name}"] == f"${{{name}}}"
    labels = " ".join(FINAL.all("LABEL"))
    for name in ("title", "version", "revision", "created"):
        assert f"org.opencontainers.image.{name}=" in labels


def healthy(port: int) -> bool:
    """What the image's health check finds at this port."""
    (check,) = FINAL.all("HEALTHCHECK")
    command = json.loads(check.partition(" CMD ")[2])
    assert command[0] == "python"
    done = subprocess.run(
        [sys.executable, *command[1:]],
        env={"BARONG_INTERNAL_PORT": str(port)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0


async def test_a_ready_service_is_healthy(system: Installation) -> None:
    assert await asyncio.to_thread(healthy, system.internal["identity"])


async def test_one_that_is_not_ready_or_not_there_is_not() -> None:
    app = web.Application()
    async with TestServer(app) as server:  # 404
        assert server.port is not None
        assert not await asyncio.to_thread(healthy, server.port)
    assert not await asyncio.to_thread(healthy, ports.free_ports(1)[0])


def test_an_engine_builds_it() -> None:
    """With the base image that BARONG_TEST_PYTHON_IMAGE names, where there is no registry."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip(
            "no Docker engine answers here, so no image is built; its steps were done above"
        )
    base = os.environ.get("BARONG_TEST_PYTHON_IMAGE")
    command = [
        *(docker, "build", "--quiet", "--file", dockerfile.FILE, "--build-arg"),
        *("SERVICE=identity-svc", "--build-arg", "GIT_TAG=v1.2.3"),
        *(("--build-arg", f"PYTHON_IMAGE={base}") if base else ()),
        ROOT,
    ]
    built = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert built.returncode == 0, built.stderr
    image = built.stdout.strip()
    asked = shlex.split(f"{docker} run --rm --read-only --network none {image} --help")
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert "rotate-keys" in done.stdout
