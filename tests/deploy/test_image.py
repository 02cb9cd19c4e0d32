"""The image: what its steps make, and what it says of itself."""

import asyncio
import dataclasses
import importlib.metadata
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

from deploy.compiled import MODULES
from deploy.local import ports
from deploy.sbom import bill, ours_in
from tests.deploy import dockerfile
from tests.deploy.manifests import BACKED, MIGRATIONS, SERVICES
from tests.support.client import Client
from tests.support.compiled import can_compile
from tests.support.system import ROOT, Installation, ready

pytestmark = pytest.mark.xdist_group("machine")

REQUIREMENTS = ROOT / "requirements"
FINAL = dockerfile.stages()[-1]
GATEWAY = "authz-gateway"
OTHERS = [service for service in SERVICES if service != GATEWAY]

compiles = pytest.mark.skipif(
    not can_compile(),
    reason="the gateway's image wants a C compiler and Python's headers: gcc, python3-dev",
)


@pytest.fixture(scope="module")
def programs() -> dict[str, Path]:
    """What the images start, of all that can be made on this machine."""
    if shutil.which("strip") is None:
        pytest.skip("the build of an image wants `strip`: binutils")
    made = [*OTHERS, MIGRATIONS, *([GATEWAY] if can_compile() else [])]
    return {service: dockerfile.build(service) for service in made}


@pytest.mark.parametrize("service", [*OTHERS, pytest.param(GATEWAY, marks=compiles)])
def test_the_steps_make_a_service_that_starts(programs: dict[str, Path], service: str) -> None:
    assert_starts(programs[service], service, "serve")


@pytest.mark.parametrize(
    "service",
    ["identity-svc", "resource-svc", "admin-svc", "mailer-svc", "webhooks-svc", "oauth-svc"],
)
def test_one_image_migrates_every_schema(
    programs: dict[str, Path], system: Installation, service: str
) -> None:
    program = programs[MIGRATIONS]
    assert_starts(program, service, service, "migrate")
    done = subprocess.run(
        [program, service, "migrate"],
        env={
            **system.environments[service.removesuffix("-svc")],
            "PYTHONPATH": str(program.parent),
            "PATH": f"{program.parent}/bin:{os.defpath}",
        },
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def assert_starts(program: Path, service: str, *arguments: str) -> None:
    """The program is whole: all it lacks is to be told of its surroundings."""
    done = subprocess.run(
        [program, *arguments],
        env={"PYTHONPATH": str(program.parent), "BARONG_ENV": "production", "PATH": os.defpath},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"{service} cannot start:" in done.stderr
    missing = "BARONG_SERVICE_KEYS: Missing" if service in BACKED else "ranks.yaml"
    assert missing in done.stderr


def test_an_image_has_its_own_service_and_no_tools(programs: dict[str, Path]) -> None:
    packages = {service.replace("-", "_") for service in SERVICES}
    for image, program in programs.items():
        found = {path.name for path in program.parent.iterdir()}
        expected = (
            {
                f"{name}_svc"
                for name in ("identity", "resource", "admin", "mailer", "webhooks", "oauth")
            }
            if image == MIGRATIONS
            else {image.replace("-", "_")}
        )
        assert found & packages == expected
        assert {"shared", "barong"} <= found
        ours = [program.parent / name for name in found & {*packages, "shared"}]
        left = {path.suffix for folder in ours for path in folder.rglob("*")}
        assert not left & {".c", ".h", ".o"}
        programs_of_it = {path.name for path in (program.parent / "bin").glob("*")}
        assert programs_of_it == ({"dbmate"} if image == MIGRATIONS else set())
    tools = {"pip", "setuptools", "wheel", "hatchling", "editables", "uv", "mypy", "mypyc"}
    (site,) = (dockerfile.PLACE / "opt/barong/lib").glob("python*/site-packages")
    assert not tools & {path.name for path in site.iterdir()}
    assert not list((dockerfile.PLACE / "opt/barong/bin").glob("pip*"))
    assert not (dockerfile.PLACE / "opt/barong/bin/dbmate").exists()
    assert (programs[MIGRATIONS].parent / "bin/dbmate").exists()


def test_the_bill_of_materials_lists_what_is_installed(
    programs: dict[str, Path], subtests: pytest.Subtests
) -> None:
    (site,) = (dockerfile.PLACE / "opt/barong/lib").glob("python*/site-packages")
    for image, program in programs.items():
        installed = {
            (re.sub(r"[-_.]+", "-", package.name).lower(), package.version)
            for package in importlib.metadata.distributions(path=[str(site), str(program.parent)])
        }
        listed = {
            (component["name"], component["version"])
            for component in json.loads(bill(image, ROOT, REQUIREMENTS))["components"]
            if not component["purl"].startswith("pkg:npm/")
        }
        with subtests.test(image):
            assert listed == installed


def test_the_build_writes_that_bill() -> None:
    """For the image that was made last: the steps leave no other."""
    written = (dockerfile.PLACE / "build/sbom.cdx.json").read_text()
    image = json.loads(written)["metadata"]["component"]["name"].removeprefix("barong/")
    assert written == bill(image, ROOT, REQUIREMENTS)


def test_an_image_has_everything_that_it_imports(
    programs: dict[str, Path], subtests: pytest.Subtests
) -> None:
    """Each in the image's own Python, also what is imported by functions."""
    for image, program in programs.items():
        with subtests.test(image):
            names = [
                name.removeprefix("barong-").replace("-", "_") for name in ours_in(image, ROOT)
            ]
            done = in_image(program, (ROOT / "deploy/images/imports.py").read_text(), *names)
            assert done.returncode == 0, done.stderr


def test_what_an_image_does_not_import_is_not_in_it(programs: dict[str, Path]) -> None:
    for library, images in {
        "grpc": {GATEWAY},
        "redis": {GATEWAY},
        "babel": {"console-svc"},
        "obstore": {"resource-svc"},
        "phonenumbers": {"resource-svc"},
        "webauthn": {"identity-svc"},
    }.items():
        having = {
            image
            for image, program in programs.items()
            if not in_image(program, f"import {library}").returncode
        }
        assert having == images & programs.keys(), library


def test_the_pages_write_dates_in_every_language(programs: dict[str, Path]) -> None:
    """The image's locales are smaller than Babel's, and the pages write the same with them."""
    done = in_image(programs["console-svc"], _IN_ALL_LANGUAGES)
    assert done.returncode == 0, done.stderr
    ours = json.loads(done.stdout)
    assert {"en", "de", "ar", "pt_BR", "zh_Hant"} <= ours.keys()
    whole = subprocess.run(
        [sys.executable, "-"], input=_IN_ALL_LANGUAGES, capture_output=True, text=True, check=True
    )
    assert ours == json.loads(whole.stdout)
    folder = programs["console-svc"].parent / "babel/locale-data"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12_000_000


_IN_ALL_LANGUAGES = """
import json
from datetime import UTC, datetime
from babel import Locale
from babel.localedata import locale_identifiers
from console_svc.pages.languages import Language
written = {}
for code in sorted(locale_identifiers()):
    language = Language(code, Locale.parse(code), None)
    now = "2026-11-30T13:05:09+00:00"
    written[code] = [language.own_name, language.moment(now), language.day(now)]
print(json.dumps(written))
"""


def in_image(program: Path, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What the Python of an image makes of a script."""
    return subprocess.run(
        [dockerfile.PLACE / "opt/barong/bin/python", "-P", "-", *arguments],
        input=script,
        env={"PYTHONPATH": str(program.parent)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@compiles
def test_what_calls_pass_in_the_gateway_is_compiled(programs: dict[str, Path]) -> None:
    app = programs[GATEWAY].parent
    names = [module.removesuffix(".py").replace("/", ".") for module in MODULES]
    ask = (
        "import importlib, sys; [print(importlib.import_module(n).__file__) for n in sys.argv[1:]]"
    )
    done = subprocess.run(
        [dockerfile.PLACE / "opt/barong/bin/python", "-P", "-c", ask, *names],
        env={"PYTHONPATH": str(app)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    imported = [Path(line).relative_to(app) for line in done.stdout.splitlines()]
    assert {path.suffix for path in imported} == {".so"}
    assert [path.with_name(path.name.partition(".")[0] + ".py") for path in imported] == [
        Path(module) for module in MODULES
    ]
    assert all((app / module).exists() for module in MODULES)  # for tracebacks
    others = [programs[service].parent / "shared" for service in OTHERS]
    assert not [path for other in others for path in other.rglob("*.so")]


@compiles
async def test_the_compiled_gateway_answers(
    programs: dict[str, Path], system: Installation
) -> None:
    public, internal = ports.free_ports(2)
    program = programs[GATEWAY]
    process = await asyncio.create_subprocess_exec(
        *(program, "serve"),
        env={
            **system.environments["gateway"],
            "BARONG_PORT": str(public),
            "BARONG_INTERNAL_PORT": str(internal),
            "PYTHONPATH": str(program.parent),
            "PATH": os.defpath,
        },
        cwd="/",
    )
    mine = dataclasses.replace(
        system,
        public={**system.public, "gateway": public},
        internal={**system.internal, "gateway": internal},
    )
    try:
        await ready(mine, "gateway")
        async with Client(mine) as client:
            await client.become_member()
            assert (await client.call("GET", "resource/users/me")).status == 200
            assert (await client.call("GET", "admin/users")).status == 401
    finally:
        process.terminate()
        code = await process.wait()
    assert code == 0


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
    images = dict(image.split("=", 1) for image in dockerfile.stages()[0].all("ARG"))
    assert images.keys() == {"PYTHON_IMAGE", "BUILD_IMAGE"}
    for default in images.values():
        assert ":" in default
        assert not default.endswith(":latest")
    # What one compiles the other runs: they differ in what comes with Python only.
    assert images["PYTHON_IMAGE"].replace("-slim", "") == images["BUILD_IMAGE"]
    froms = ["${BUILD_IMAGE}", "${BUILD_IMAGE}", "${PYTHON_IMAGE}"]
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == froms


def test_nothing_secret_stays_in_a_layer() -> None:
    for stage in dockerfile.stages():
        for declared in (*stage.all("ARG"), *stage.all("ENV")):
            assert not re.search("(?i)token|password|secret|index|://", declared)
    allowed = Path(f"{dockerfile.FILE}.dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    kept = {line[1:] for line in allowed if line.startswith("!")}
    copied = {
        source
        for stage in dockerfile.stages()
        for arguments in stage.all("COPY")
        if not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert kept == copied


def test_the_version_is_what_the_build_said() -> None:
    declared = {name.partition("=")[0] for name in FINAL.all("ARG")}
    assert declared == {"SERVICE", "GIT_TAG", "GIT_SHA", "BUILD_DATE", "SOURCE_URL"}
    environment = dict(pair.split("=", 1) for pair in FINAL.all("ENV")[0].split())
    for name in declared - {"SERVICE", "SOURCE_URL"}:
        assert environment[f"BARONG_{name}"] == f"${{{name}}}"
    labels = " ".join(FINAL.all("LABEL"))
    for name in ("title", "version", "revision", "created", "source", "licenses"):
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
    """With what BARONG_TEST_PYTHON_IMAGE and BARONG_TEST_BUILD_IMAGE name, without a registry."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip(
            "no Docker engine answers here, so no image is built; its steps were done above"
        )
    images = {
        name: os.environ.get(f"BARONG_TEST_{name}") for name in ("PYTHON_IMAGE", "BUILD_IMAGE")
    }
    given = [f"--build-arg={name}={image}" for name, image in images.items() if image]
    command = [
        *(docker, "build", "--quiet", "--file", str(dockerfile.FILE), *given),
        *("--build-arg", "SERVICE=authz-gateway", "--build-arg", "GIT_TAG=v1.2.3", str(ROOT)),
    ]
    built = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert built.returncode == 0, built.stderr
    image = built.stdout.strip()
    asked = shlex.split(f"{docker} run --rm --read-only --network none {image} --help")
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert "Run the gateway." in done.stdout
