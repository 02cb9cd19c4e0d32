"""What renders the API document is what its package holds, unchanged."""

import gzip
import hashlib
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from deploy.openapi.swagger_ui import COMPRESSED, INTEGRITY, LICENSES, SHOWN, SUMS, VERSION

ROOT = Path(__file__).parents[3]
FOLDER = resources.files("authz_gateway.api_document") / "swagger_ui"
RECORDED = {
    name: digest
    for digest, name in (line.split() for line in (FOLDER / SUMS).read_text().splitlines())
}


def test_nothing_else_is_there() -> None:
    assert set(RECORDED) == {*SHOWN, *LICENSES}
    compressed = {f"{name}.gz" for name in COMPRESSED}
    assert {file.name for file in FOLDER.iterdir()} == {*RECORDED, *compressed, SUMS}


@pytest.mark.parametrize("name", RECORDED)
def test_files_are_those_of_the_package(name: str) -> None:
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == RECORDED[name]


@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_files_hold_the_same(name: str) -> None:
    compressed = (FOLDER / f"{name}.gz").read_bytes()
    assert gzip.decompress(compressed) == (FOLDER / name).read_bytes()


def test_the_version_is_the_pinned_one() -> None:
    assert f'PACKAGE_VERSION:"{VERSION}"' in (FOLDER / "swagger-ui-bundle.js").read_text()


def test_another_package_is_refused(tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\necho forged >swagger-ui-dist-{VERSION}.tgz\n")
    npm.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-m", "deploy.openapi.swagger_ui"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"expected {INTEGRITY}" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["npm"]
