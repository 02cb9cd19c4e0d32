"""`make images`: builds every image and checks it; says why if this machine cannot.

    python -m deploy.images [--tag TAG]

Ends with 0 also where no container engine or no base image can be had: it then says so. A fault of
an image ends it with 1.
"""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.images.bases import base_images
from deploy.images.checks import check_image, check_version
from deploy.images.engine import Engine, NoEngineError, engine
from deploy.images.index import index_secrets

ROOT = Path(__file__).parents[2]
IMAGES = (
    *("authz-gateway", "identity-svc", "resource-svc", "admin-svc"),
    *("mailer-svc", "webhooks-svc", "migrations"),
)


def main() -> None:
    """Builds and checks, and prints a line for each image."""
    parser = argparse.ArgumentParser(prog="make images", description="Build and check all images.")
    parser.add_argument("--tag", default=_git("describe", "--tags", "--always", "--dirty"))
    tag = parser.parse_args().tag
    try:
        with engine() as docker:
            python, build = base_images(docker)
            print(f"on {python}", flush=True)
            base = _megabytes(docker, python)
            for name in IMAGES:
                image = f"barong/{name}:{tag}"
                _build(docker, name, image, tag, python, build)
                size = _megabytes(docker, image)
                check_image(docker, name, image, added=size - base)
                print(f"{image}: {size} MB, {size - base} MB on its base", flush=True)
            check_version(docker, f"barong/identity-svc:{tag}", tag, _git("rev-parse", "HEAD"))
    except NoEngineError as error:
        print(f"images: not built here: {error}")
    except subprocess.TimeoutExpired as error:
        print(f"images: not built here: {error.cmd[1]} takes more than {error.timeout:.0f} s")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd[:3]))} … failed:\n{error.stdout}")
    except AssertionError as error:
        sys.exit(f"images: {error}")


def _build(docker: Engine, name: str, image: str, tag: str, python: str, build: str) -> None:
    arguments = {
        "SERVICE": name,
        "GIT_TAG": tag,
        "GIT_SHA": _git("rev-parse", "HEAD"),
        "BUILD_DATE": datetime.now(UTC).isoformat(timespec="seconds"),
        "PYTHON_IMAGE": python,
        "BUILD_IMAGE": build,
    }
    with index_secrets() as secrets:
        docker.run(
            *(
                "build",
                "--quiet",
                "--network",
                "host",
                "--file",
                str(ROOT / "deploy/Dockerfile"),
                "--tag",
                image,
            ),
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            *(f"--secret=id={key},src={path}" for key, path in secrets.items()),
            str(ROOT),
        )


def _megabytes(docker: Engine, image: str) -> int:
    return int(docker.run("image", "inspect", "--format", "{{.Size}}", image)) // 1_000_000


def _git(*arguments: str) -> str:
    return subprocess.run(
        ("git", "-C", str(ROOT), *arguments), capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
