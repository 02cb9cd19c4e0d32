"""Everything that a release hands out, built in a clone that nobody else uses.

    python -m deploy.release.artefacts OUTPUT --tools FOLDER [--images]

`make release` runs this file in the clone that it makes. It changes the clone.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.helm.chart import CHART
from deploy.images.build import IMAGES, build_all
from deploy.images.engine import engine
from deploy.manifests import render
from deploy.release.archives import compressed, packed
from deploy.sbom import bill
from deploy.version import Version, version_of

ROOT = Path(__file__).parents[2]
SUMS = "SHA256SUMS"
_DOCUMENTS = Path("services/authz-gateway/src/authz_gateway/api_document")


def build(output: Path, tools: Path, *, images: bool) -> None:
    """Writes the files of a release and their SHA256SUMS into the empty folder `output`."""
    version = version_of(ROOT)
    os.environ["SOURCE_DATE_EPOCH"] = str(version.epoch)
    for name, content in _files(version, tools):
        (output / name).write_bytes(content)
    _python_package(output)
    if images:
        _save_images(output, version)
    sums = {path.name: _sha256(path) for path in sorted(output.iterdir())}
    (output / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))


def _files(version: Version, tools: Path) -> Iterator[tuple[str, bytes]]:
    prefix = f"barong-{version.text}"
    yield f"{prefix}-source.tar.gz", _source(prefix, version)
    yield "RELEASE_NOTES.md", notes((ROOT / "CHANGELOG.md").read_text(), version).encode()
    for document in ("openapi.json", "asyncapi.json"):
        yield document, (ROOT / _DOCUMENTS / document).read_bytes()
    for image in IMAGES:
        text = bill(
            *(image, ROOT, ROOT / "requirements"), version=version.text, created=version.created
        )
        yield f"{image}.cdx.json", text.encode()
    yield f"{prefix}.tgz", chart_archive(CHART, version.text, version.epoch)
    _tag_manifests(version)
    for overlay in ("local", "production"):
        manifest = render(ROOT / "k8s" / "overlays" / overlay, tools)
        yield f"{prefix}-kubernetes-{overlay}.yaml", manifest.encode()


def notes(changelog: str, version: Version) -> str:
    """The changelog's section of a release; of another version, what is not released."""
    wanted = version.text if version.released else "Unreleased"
    found = re.search(
        rf"^## \[{re.escape(wanted)}\][^\n]*\n(.*?)(?=^## \[|\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    return f"# Barong {version.text}\n\n{found[1].strip() if found else 'No changes.'}\n"


def _source(prefix: str, version: Version) -> bytes:
    """All files of the commit: the context of the images' builds, among others."""
    archive = subprocess.run(
        [
            *("git", "-C", str(ROOT), "-c", "tar.umask=0022", "archive", "--format=tar"),
            *(f"--prefix={prefix}/", version.commit),
        ],
        capture_output=True,
        check=True,
    )
    return compressed(archive.stdout)


def chart_archive(chart: Path, version: str, epoch: int) -> bytes:
    """The Helm chart as `helm install` reads it, with a version."""
    files = {
        f"barong/{path.relative_to(chart)}": path.read_bytes()
        for path in chart.rglob("*")
        if path.is_file()
    }
    head = files["barong/Chart.yaml"].decode()
    head = re.sub(r"^((?:appV|v)ersion: ).*$", rf"\g<1>{version}", head, flags=re.MULTILINE)
    return packed({**files, "barong/Chart.yaml": head.encode()}, epoch)


def _tag_manifests(version: Version) -> None:
    """Gives all our images in the manifests the version as their tag."""
    for file in (ROOT / "k8s").rglob("*.yaml"):
        text = file.read_text()
        text = re.sub(r"(image: barong/[a-z-]+:)[\w.-]+", rf"\g<1>{version.text}", text)
        text = re.sub(r"(name: barong/[a-z-]+,.* newTag: )[\w.-]+", rf"\g<1>{version.text}", text)
        file.write_text(text)


def _python_package(output: Path) -> None:
    """The wheel and the source distribution of `barong-events`."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(output)],
        cwd=ROOT / "clients" / "python-events",
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _save_images(output: Path, version: Version) -> None:
    """Every image as an archive that `docker load` reads; raises NoEngineError."""
    with engine() as docker:
        for image in build_all(docker, ROOT, version.text, version):
            name = image.removeprefix("barong/").replace(":", "-")
            docker.run("save", "--output", str(output / f"image-{name}.tar"), image)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--images", action="store_true")
    given = parser.parse_args()
    build(given.output, given.tools, images=given.images)
