"""Archives whose bytes depend on nothing but their content."""

import gzip
import io
import tarfile
from collections.abc import Mapping


def packed(files: Mapping[str, bytes], epoch: int) -> bytes:
    """A .tar.gz of files by their paths: sorted, of root, with one time and mode 0644."""
    uncompressed = io.BytesIO()
    with tarfile.open(fileobj=uncompressed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mtime, member.mode = len(content), epoch, 0o644
            archive.addfile(member, io.BytesIO(content))
    return compressed(uncompressed.getvalue())


def compressed(content: bytes) -> bytes:
    """gzip without a name and a time."""
    return gzip.compress(content, 9, mtime=0)
