"""What has to be true of an image."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.compiled import MODULES
from deploy.images.engine import Engine
from deploy.sbom import bill

MOST_MEGABYTES = 140
"""What a service may add to its base. All services have the same libraries in one layer."""

_LOCKED_DOWN = (
    *("--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none"),  # noqa: S108
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
)
_LOOK_AROUND = """
id -u
touch /app/x 2>/dev/null && echo writable
for tool in gcc cc pip pip3; do command -v $tool; done
python -c 'import pip' 2>/dev/null && echo pip
exit 0
"""
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
_ASK_VERSION = (
    "import urllib.request as http; "
    "print(http.urlopen('http://127.0.0.1:8080/api/v2/identity/version').read().decode())"
)
_START_SECONDS = 30.0


def check_image(docker: Engine, name: str, image: str, *, added: int) -> None:
    """Who runs, what can be written, which tools are there, and whether it starts.

    `added` is the size in MB without the base. Raises `AssertionError`.
    """
    seen = docker.run(
        *("run", *_LOCKED_DOWN, "--entrypoint", "sh", image, "-c", _LOOK_AROUND)
    ).split()
    assert seen == ["10001"], f"{image}: user 10001 and nothing else expected, not {seen}"
    if name == "migrations":
        help_of = docker.run("run", *_LOCKED_DOWN, image, "admin-svc", "--help")
    else:
        help_of = docker.run("run", *_LOCKED_DOWN, image, "--help")
        assert added <= MOST_MEGABYTES, f"{image} adds {added} MB, not {MOST_MEGABYTES} at most"
    assert "migrate" in help_of or "serve" in help_of, help_of
    if name == "authz-gateway":
        modules = [module.removesuffix(".py").replace("/", ".") for module in MODULES]
        files = docker.run(
            *("run", *_LOCKED_DOWN, "--entrypoint", "python", image, "-P", "-c", _IMPORT, *modules)
        ).split()
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
        *("run", *_LOCKED_DOWN, "--entrypoint", "cat", image, "/app/sbom.cdx.json")
    )
    made = bill(
        arguments["SERVICE"],
        root,
        root / "requirements",
        version=arguments["GIT_TAG"],
        created=arguments["BUILD_DATE"],
    )
    assert carried == made, f"{image} has another bill of materials"


def check_version(docker: Engine, image: str, tag: str, commit: str) -> None:
    """Whether a running identity-svc tells tag and commit; raises `AssertionError`."""
    given = [f"--env={key}={value}" for key, value in _ENVIRONMENT.items()]
    container = docker.run("run", "--detach", *_LOCKED_DOWN, *given, image).strip()
    try:
        told = _version(docker, container)
    finally:
        docker.succeeds("kill", container)
    assert (told["git_tag"], told["git_sha"]) == (tag, commit), f"{image} tells {told}"


def _version(docker: Engine, container: str) -> dict[str, str]:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if docker.succeeds("exec", container, "python", "-c", _ASK_VERSION):
            version: dict[str, str] = json.loads(
                docker.run("exec", container, "python", "-c", _ASK_VERSION)
            )
            return version
        time.sleep(0.3)
    raise AssertionError(f"identity-svc does not answer:\n{docker.run('logs', container)}")
