"""`make swagger-ui`: fetches the renderer of the API document, Swagger UI, from its npm package.

To update it, change `VERSION` and `INTEGRITY` (`npm view swagger-ui-dist@… dist.integrity`) and run
the command. It needs npm and the network; nothing else of the project does.
"""

import base64
import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "5.35.0"
INTEGRITY = (
    "sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAh"
    "w0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ=="
)
"""Of the package's archive, as the registry publishes it (Subresource Integrity)."""

SHOWN = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
"""What the page loads."""
LICENSES = ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt")
COMPRESSED = tuple(name for name in SHOWN if not name.endswith(".png"))
"""What has a gzip file beside it: compressing it takes a tenth of a second or more."""

SUMS = "SHA256SUMS"
FOLDER = Path("services/authz-gateway/src/authz_gateway/api_document/swagger_ui")

_NPM_SECONDS = 300


def main() -> None:
    """Replaces the folder's files; ends the program with a sentence if the package is another."""
    with tempfile.TemporaryDirectory() as folder:
        archive = _packed(Path(folder))
        found = integrity(archive)
        if found != INTEGRITY:
            sys.exit(f"{archive.name} has the integrity {found}, expected {INTEGRITY}.")
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir()
        with tarfile.open(archive) as package:
            for name in (*SHOWN, *LICENSES):
                member = package.extractfile(f"package/{name}")
                if member is None:
                    sys.exit(f"{archive.name} has no file {name}.")
                (FOLDER / name).write_bytes(member.read())
    for name in COMPRESSED:
        content = (FOLDER / name).read_bytes()
        (FOLDER / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    lines = (f"{_sha256(FOLDER / name)}  {name}\n" for name in sorted((*SHOWN, *LICENSES)))
    (FOLDER / SUMS).write_text("".join(lines))


def integrity(archive: Path) -> str:
    """The Subresource Integrity value of a file."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def _packed(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is missing: install it with `apt-get install -y npm`.")
    subprocess.run(
        (npm, "pack", "--silent", f"swagger-ui-dist@{VERSION}"),
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=_NPM_SECONDS,
    )
    return folder / f"swagger-ui-dist-{VERSION}.tgz"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
