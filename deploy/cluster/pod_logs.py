"""What containers said, kept also after their pods are gone."""

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 0.5


@contextmanager
def kept_logs(written: Sequence[Path], kept: Path) -> Iterator[None]:
    """Links each log below the folders `written` into `kept`, for the time of the block.

    A kubelet deletes the logs of a pod with the pod. A link keeps what was written, and what is
    still being written. Both must lie on the same file system. What `kept` had before is deleted.
    """
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(_POLL_SECONDS):
            for folder in written:
                _link(folder, kept)

    keeper = threading.Thread(target=keep, name="pod-logs")
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _link(folder: Path, kept: Path) -> None:
    for place, _, names in os.walk(folder):  # passes over folders that are deleted meanwhile
        for name in names:
            log = Path(place, name)
            link = kept / log.relative_to(folder)
            if log.suffix == ".log" and not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # deleted since it was listed
                    os.link(log, link)
