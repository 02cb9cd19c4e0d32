"""Builds one image after the other, and checks each."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.images.bases import base_images
from deploy.images.checks import check_contents, check_image, check_imports, check_start
from deploy.images.engine import Engine
from deploy.images.index import index_secrets
from deploy.sbom import MIGRATIONS
from deploy.version import Version, source_url

IMAGES = (
    *("authz-gateway", "identity-svc", "resource-svc", "admin-svc"),
    *("mailer-svc", "webhooks-svc", "oauth-svc", "console-svc", MIGRATIONS),
)


def build_all(docker: Engine, root: Path, tag: str, version: Version) -> Iterator[str]:
    """Builds what `root` has, and yields the name of each image once it is checked.

    Raises NoEngineError, CalledProcessError or TimeoutExpired, and AssertionError for a fault.
    """
    python, build = base_images(docker)
    print(f"on {python}", flush=True)
    base = _megabytes(docker, python)
    for name in IMAGES:
        image = f"barong/{name}:{tag}"
        arguments = {
            "SERVICE": name,
            "GIT_TAG": tag,
            "GIT_SHA": version.commit,
            "BUILD_DATE": version.created,
            "SOURCE_URL": source_url(root),
        }
        bases = {"PYTHON_IMAGE": python, "BUILD_IMAGE": build}
        build_image(docker, root, image, {**arguments, **bases})
        size = _megabytes(docker, image)
        check_image(docker, name, image, added=size - base)
        check_contents(docker, image, root, arguments)
        check_imports(docker, name, image, root)
        if name != MIGRATIONS:
            check_start(docker, name, image, tag, version.commit)
        print(f"{image}: {size} MB, {size - base} MB on its base", flush=True)
        yield image


def build_image(docker: Engine, root: Path, image: str, arguments: Mapping[str, str]) -> None:
    """Builds an image of `root` with these arguments of the Dockerfile; raises what docker does."""
    with index_secrets() as secrets:
        docker.run(
            *("build", "--quiet", "--network", "host", "--tag", image),
            *("--file", str(root / "deploy/Dockerfile")),
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            *(f"--secret=id={key},src={path}" for key, path in secrets.items()),
            str(root),
        )


def _megabytes(docker: Engine, image: str) -> int:
    return int(docker.run("image", "inspect", "--format", "{{.Size}}", image)) // 1_000_000
