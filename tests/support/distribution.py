"""How the tests of one run are shared out among several processes, the workers of pytest-xdist."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xdist.scheduler.loadgroup import LoadGroupScheduling

from deploy.local import ports

_LOCKS = Path(__file__).parents[2] / ".local" / "locks"


class ByFileOrGroup(LoadGroupScheduling):
    """Gives a worker a whole file, or all files of an `xdist_group`: fixtures are made once.

    Tests of the group "machine" measure time, or need most of the machine: they run one after the
    other. So do those of the group "browser", which drive Chromium.
    """

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope


def take_own_ports() -> None:
    """Keeps a worker, and what it starts, to ports that no other worker takes."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        number, count = worker.removeprefix("gw"), os.environ["PYTEST_XDIST_WORKER_COUNT"]
        os.environ |= ports.share(int(number), int(count))


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Keeps other workers, and other runs in this folder, from doing the same meanwhile."""
    _LOCKS.mkdir(parents=True, exist_ok=True)
    with (_LOCKS / what).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
