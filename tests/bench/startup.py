"""How long it takes until there is something to talk to, and what that weighs."""

import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local import ports
from tests.bench.installed import Bench, installed
from tests.bench.row import Row
from tests.support.local_stack import LocalStack
from tests.support.system import NAMES

TIMES = 5
_SETTLED_SECONDS = 1.0


def rows() -> Iterator[Row]:
    """`make run` cold and warm, then each service while the others run."""
    with TemporaryDirectory(prefix="barong-bench-") as name:
        folder = Path(name) / "stack" / "barong"
        with LocalStack.started(folder, ports.free_ports(1)[0]) as stack:
            yield Row("make run, cold, to ready", stack.seconds, "s")
            warm = []
            for _ in range(3):
                stack.stop(signal.SIGINT)
                stack.start()
                warm.append(stack.seconds)
            yield Row("make run, warm, to ready: median of 3", statistics.median(warm), "s", 5)
            yield Row("make run, warm, to ready: slowest of 3", max(warm), "s")
    with installed() as bench:
        for each in NAMES:
            yield from _service(bench, each)


def _service(bench: Bench, name: str) -> Iterator[Row]:
    """The first start is none that is measured: it declares queues and makes keys."""
    seconds, megabytes = [], []
    with ExitStack() as others:
        for other in NAMES:
            if other != name:
                others.enter_context(bench.process(other))
        with bench.process(name):
            for each in NAMES:
                bench.wait(each)
        for _ in range(TIMES):
            begun = time.monotonic()
            with bench.process(name) as process:
                bench.wait(name)
                seconds.append(time.monotonic() - begun)
                time.sleep(_SETTLED_SECONDS)
                megabytes.append(process.memory_info().rss / 1e6)
    yield Row(f"{name}: process to ready, median of {TIMES}", statistics.median(seconds), "s", 2)
    yield Row(f"{name}: resident memory, largest of {TIMES}", max(megabytes), "MB", 90)
