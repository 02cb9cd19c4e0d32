"""`make run`: the whole system on this machine until Ctrl-C."""

import contextlib
import os
import re
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from deploy.local import processes, stack
from deploy.local.processes import StartError
from deploy.local.stack import Stack

_ROOT = Path(__file__).parents[2]
_LOCAL = _ROOT / ".local"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WATCH_SECONDS = 0.2
_SESSION = re.compile(r"<!-- session -->.*?```sh\n(.*?)```.*?<!-- /session -->", re.DOTALL)


def main() -> int:
    """Run until told to stop, and return the exit code: 1 when a part failed."""
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        with stack.running(_LOCAL, _gateway_port(), _say) as running:
            _greet(running)
            while True:
                for check in running.checks:
                    check()
                time.sleep(_WATCH_SECONDS)
    except KeyboardInterrupt:
        return 0
    except (StartError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _gateway_port() -> int:
    value = os.environ.get("BARONG_GATEWAY_PORT") or "8080"
    if not value.isdecimal() or not 0 < int(value) < 2**16:
        raise StartError(f"BARONG_GATEWAY_PORT is not a port: {value}")
    return int(value)


def _say(line: str) -> None:
    # Flushed, because the output may go to a file that somebody waits on.
    print(line, flush=True)


def _greet(running: Stack) -> None:
    _say(f"\nBarong is ready at {running.gateway_url}; Ctrl-C stops it, .local/ keeps its data.")
    if running.pages:
        _say(f"pages: {running.gateway_url}/account, and {running.gateway_url}/console for staff")
    _say(f"superadmin: {running.superadmin.email} {running.superadmin.password}")
    readme = _ROOT / "README.md"
    if readme.exists() and (session := _SESSION.search(readme.read_text())):
        _say(f"\nA session to copy:\n\n{session[1]}")


def _stop(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, _force)
    # Not print, as the signal may have come in the middle of one; and the terminal may be gone.
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), b"\nstopping; Ctrl-C again does not wait\n")
    raise KeyboardInterrupt


def _force(number: int, frame: FrameType | None) -> None:
    for folder in (_LOCAL, _LOCAL / "rabbitmq", _LOCAL / "postgres"):
        processes.end_leftovers(folder, signal.SIGKILL)
    (_LOCAL / "stack.env").unlink(missing_ok=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
