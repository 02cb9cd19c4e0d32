"""Fetches pinned files of an npm package, which the project keeps as they are.

It needs npm and the network; nothing else of the project does.
"""

import base64
import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SUMS = "SHA256SUMS"
_NPM_SECONDS = 300


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A version of a package. To update one, change `version` and `integrity`.

    `integrity`: of the package's archive, as the registry publishes it (`npm view <name>@<version>
    dist.integrity`; Subresource Integrity).
    """

    name: str
    version: str
    integrity: str

    def fetch(
        self, folder: Path, files: Sequence[str], compressed: Sequence[str] = (), below: str = ""
    ) -> None:
        """Replaces the folder by the files of the package that lie `below`, and their checksums.

        Each of `compressed` gets a gzip file beside it. Ends the program with a sentence if the
        package is another.
        """
        with tempfile.TemporaryDirectory() as temporary:
            archive = self._packed(Path(temporary))
            found = integrity(archive)
            if found != self.integrity:
                sys.exit(f"{archive.name} has the integrity {found}, expected {self.integrity}.")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with tarfile.open(archive) as package:
                for name in files:
                    content = _content(package, below, name)
                    if content is None:
                        sys.exit(f"{archive.name} has no file {name}.")
                    (folder / name).write_bytes(content)
        for name in compressed:
            content = (folder / name).read_bytes()
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        lines = (f"{_sha256(folder / name)}  {name}\n" for name in sorted(files))
        (folder / SUMS).write_text("".join(lines))

    def _packed(self, folder: Path) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("npm is missing: install it with `apt-get install -y npm`.")
        subprocess.run(
            (npm, "pack", "--silent", f"{self.name}@{self.version}"),
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=_NPM_SECONDS,
        )
        return folder / f"{self.name}-{self.version}.tgz"


def integrity(archive: Path) -> str:
    """The Subresource Integrity value of a file."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def _content(package: tarfile.TarFile, below: str, name: str) -> bytes | None:
    """A file below a folder of the package, or at its top."""
    for path in (f"package/{below}{name}", f"package/{name}"):
        if path in package.getnames() and (member := package.extractfile(path)):
            return member.read()
    return None


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
