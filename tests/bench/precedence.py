"""Precedence of a measured system over whatever else the machine does at the time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_NICENESS = -15
_GROUPED = Path("/proc/sys/kernel/sched_autogroup_enabled")


@contextmanager
def precedence() -> Iterator[bool]:
    """This process and its descendants run before all others; whether that was allowed.

    It needs Linux and CAP_SYS_NICE. Descendants that start meanwhile may not have it: Linux weighs
    sessions against each other (sched(7), autogroups), and each backend of PostgreSQL begins one.
    """
    try:
        allowed = _weigh(_NICENESS)
        yield allowed
    finally:
        _weigh(0)


def _weigh(niceness: int) -> bool:
    grouped = _GROUPED.exists() and _GROUPED.read_text().strip() == "1"
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
            if grouped:
                Path(f"/proc/{process.pid}/autogroup").write_text(str(niceness))
        except PermissionError:
            return False
        except OSError:
            continue  # it has ended
    return True
