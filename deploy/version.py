"""The version of what a commit builds, from git tags and from the number in the code."""

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.sbom import number_of

SEMANTIC = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
)
"""Semantic Versioning 2.0.0 without build metadata, which a tag of an image cannot have."""


class VersionError(Exception):
    """A tag, the code and the changelog say different versions; the message says which."""


@dataclass(frozen=True, slots=True)
class Version:
    """What is built: its version, whether that is a release, its commit and the commit's time."""

    text: str
    released: bool
    commit: str
    epoch: int

    @property
    def created(self) -> str:
        """The time of the commit, or SOURCE_DATE_EPOCH, as RFC 3339."""
        return datetime.fromtimestamp(self.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def version_of(repository: Path) -> Version:
    """The version of the commit that is checked out.

    A commit with the tag `v1.2.3` is 1.2.3. Another is `1.2.4-dev.<n>.g<commit>`, n commits after
    the last tag and older than 1.2.4. Raises VersionError if the tag of a release disagrees with
    `VERSION` in shared/version.py, or if CHANGELOG.md has no dated section for it.
    """
    number = number_of(repository)
    commit = git(repository, "rev-parse", "HEAD")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git(repository, "log", "-1", "--format=%ct"))
    tag, distance = _last_tag(repository)
    if tag is None or distance:
        upcoming = _next(number) if tag == number else number
        return Version(f"{upcoming}-dev.{distance}.g{commit[:10]}", False, commit, epoch)
    if not SEMANTIC.fullmatch(tag):
        raise VersionError(f"the tag v{tag} is no semantic version")
    if tag != number:
        raise VersionError(f"the tag is v{tag}, and shared/version.py says {number}")
    if not re.search(
        rf"^## \[{re.escape(tag)}\] - \d{{4}}-\d\d-\d\d$",
        (repository / "CHANGELOG.md").read_text(),
        re.MULTILINE,
    ):
        raise VersionError(f"CHANGELOG.md has no section `## [{tag}] - <date>`")
    return Version(tag, True, commit, epoch)


def source_url(repository: Path) -> str:
    """Where the code is from: BARONG_SOURCE_URL, else git's `origin`; never with a password."""
    if given := os.environ.get("BARONG_SOURCE_URL"):
        return given
    try:
        origin = git(repository, "remote", "get-url", "origin")
    except subprocess.CalledProcessError:
        return ""
    if ssh := re.fullmatch(r"[\w.-]+@([\w.-]+):(.+)", origin):
        origin = f"https://{ssh[1]}/{ssh[2]}"
    url = re.fullmatch(r"(https?)://(?:[^/@]*@)?(.+?)(?:\.git)?/?", origin)
    return f"{url[1]}://{url[2]}" if url else ""


def git(repository: Path, *arguments: str) -> str:
    """The output of git, without its last line break. Raises CalledProcessError."""
    return subprocess.run(
        ("git", "-C", str(repository), *arguments), capture_output=True, text=True, check=True
    ).stdout.strip()


def _last_tag(repository: Path) -> tuple[str | None, int]:
    """The last tag of a version, without its `v`, and the number of commits since then."""
    try:
        described = git(repository, "describe", "--tags", "--match", "v[0-9]*", "--long", "HEAD")
    except subprocess.CalledProcessError:
        return None, int(git(repository, "rev-list", "--count", "HEAD"))
    tag, distance, _ = described.rsplit("-", 2)
    return tag.removeprefix("v"), int(distance)


def _next(number: str) -> str:
    """The patch after a version; the version itself after its candidate."""
    core, _, candidate = number.partition("-")
    if candidate:
        return core
    major, minor, patch = core.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"
