"""Checks of an image."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.compiled import MODULES
from deploy.images.engine import Engine
from deploy.sbom import bill, ours_in

MOST_MEGABYTES = 76
"""What an image may add to its base of 124 MB: it has 200 MB at most."""

_LOCKED_DOWN = (
    *("--read-only", "--tmpfs", "/tmp", "--network", "none"),  # noqa: S108
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
)
_LOOK_AROUND = """
id -u
touch /app/x 2>/dev/null && echo writable
for tool in gcc cc pip pip3; do command -v $tool; done
python -c 'import pip' 2>/dev/null && echo pip
exit 0
"""
_IMPORTS = Path(__file__).with_name("imports.py")
_IMPORT = (
    "import importlib, sys; [print(importlib.import_module(m).__file__) for m in sys.argv[1:]]"
)
_ENVIRONMENT = {
    "BARONG_ENV": "development",
    "BARONG_SERVICE_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "BARONG_MASTER_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "AMQP_URL": "amqp://127.0.0.1:1/",
}
_OPTIONS = {
    "BARONG_EXT_AUTHZ_PORT": "9090",
    "BARONG_RATE_LIMIT_URL": "redis://127.0.0.1:1/0",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
}
"""Modules that load libraries which a service does not load otherwise."""
_ASK = (
    "import sys, urllib.request as http; "
    "print(http.urlopen('http://127.0.0.1:' + sys.argv[1]).read().decode())"
)
_VERSION, _LIVE = "8080/api/v2/identity/version", "9080/health/live"
_START_SECONDS = 60.0


def check_image(docker: Engine, name: str, image: str, *, added: int) -> None:
    """Who runs, what can be written, which tools are there, and its size.

    `added` is the size in MB without the base. Raises `AssertionError`.
    """
    seen = docker.run(
        *("run", "--rm", *_LOCKED_DOWN, "--entrypoint", "sh", image, "-c", _LOOK_AROUND)
    ).split()
    assert seen == ["10001"], f"{image}: user 10001 and nothing else expected, not {seen}"
    if name == "migrations":
        help_of = docker.run("run", "--rm", *_LOCKED_DOWN, image, "admin-svc", "--help")
    else:
        help_of = docker.run("run", "--rm", *_LOCKED_DOWN, image, "--help")
    assert added <= MOST_MEGABYTES, f"{image} adds {added} MB, not {MOST_MEGABYTES} at most"
    assert "migrate" in help_of or "serve" in help_of, help_of
    if name == "authz-gateway":
        modules = [module.removesuffix(".py").replace("/", ".") for module in MODULES]
        command = ("--entrypoint", "python", image, "-P", "-c", _IMPORT, *modules)
        files = docker.run("run", "--rm", *_LOCKED_DOWN, *command).split()
        slow = [file for file in files if not file.endswith(".so")]
        assert not slow, f"{image}: not compiled: {slow}"


def check_contents(docker: Engine, image: str, root: Path, arguments: Mapping[str, str]) -> None:
    """Whether labels and bill of materials are those of this build; raises `AssertionError`."""
    labels = json.loads(
        docker.run("image", "inspect", "--format", "{{json .Config.Labels}}", image)
    )
    expected = {
        "created": arguments["BUILD_DATE"],
        "licenses": "Apache-2.0",
        "revision": arguments["GIT_SHA"],
        "source": arguments["SOURCE_URL"],
        "title": f"barong {arguments['SERVICE']}",
        "version": arguments["GIT_TAG"],
    }
    given = {name: labels.get(f"org.opencontainers.image.{name}") for name in expected}
    assert given == expected, f"{image} has the labels {given}"
    carried = docker.run(
        *("run", "--rm", *_LOCKED_DOWN, "--entrypoint", "cat", image, "/app/sbom.cdx.json")
    )
    made = bill(
        arguments["SERVICE"],
        root,
        root / "requirements",
        version=arguments["GIT_TAG"],
        created=arguments["BUILD_DATE"],
    )
    assert carried == made, f"{image} has another bill of materials"


def check_imports(docker: Engine, name: str, image: str, root: Path) -> None:
    """Whether our packages in an image can import everything; raises `CalledProcessError`."""
    packages = [each.removeprefix("barong-").replace("-", "_") for each in ours_in(name, root)]
    command = ("--interactive", "--entrypoint", "python", image, "-P", "-", *packages)
    docker.run("run", "--rm", *_LOCKED_DOWN, *command, text=_IMPORTS.read_text())


def check_start(docker: Engine, name: str, image: str, tag: str, commit: str) -> None:
    """Whether a service starts and answers, without anything that it depends on.

    identity-svc has to tell tag and commit. Raises `AssertionError`.
    """
    given = [f"--env={key}={value}" for key, value in {**_ENVIRONMENT, **_OPTIONS}.items()]
    container = docker.run("run", "--detach", *_LOCKED_DOWN, *given, image).strip()
    try:
        if name == "identity-svc":
            version = json.loads(_answer(docker, name, container, _VERSION))
            told = version["git_tag"], version["git_sha"]
            assert told == (tag, commit), f"{image} tells {told}"
        else:
            _answer(docker, name, container, _LIVE)
    finally:
        docker.succeeds("rm", "--force", container)


def _answer(docker: Engine, name: str, container: str, address: str) -> str:
    """What the service answers there once it does."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        command = ("exec", container, "python", "-c", _ASK, address)
        if docker.succeeds(*command):
            return docker.run(*command)
        time.sleep(0.3)
    raise AssertionError(f"{name} does not answer:\n{docker.run('logs', container)}")
