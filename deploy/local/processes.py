"""Child processes that can be found again after their parent was killed."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# Every child carries the folder it works for in its environment, and its own children inherit it.
# After a `kill -9` of the parent that is how the next start knows them, whatever their ids are by
# then; a file with process ids could name a process of others.
MARK = "LOCAL_STACK_FOLDER"


class StartError(Exception):
    """Something did not start; the message says what, and what would help."""


def start(
    command: Sequence[str | Path],
    *,
    mark: Path,
    env: Mapping[str, str],
    log: Path,
    cwd: Path | str | None = None,
    user: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` with its output in `log`, out of reach of the terminal's Ctrl-C."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env={**env, MARK: str(mark.resolve())},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to the whole group; we alone decide in which order things stop.
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else (),
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals, patience: float) -> None:
    """Ask `process` to end with the signal `how`, and kill it after `patience` seconds."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_leftovers(mark: Path, how: signal.Signals = signal.SIGTERM, patience: float = 10) -> None:
    """End what an earlier parent started for the folder `mark` and could not stop any more."""
    deadline = time.monotonic() + patience
    for pid in _marked(mark):
        _send(pid, how)
    while left := _marked(mark):
        if time.monotonic() > deadline:
            for pid in left:
                _send(pid, signal.SIGKILL)
        time.sleep(0.05)


def _marked(mark: Path) -> list[int]:
    wanted = f"{MARK}={mark.resolve()}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # A process may end while we look, or belong to somebody else.
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _send(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


@contextlib.contextmanager
def owned(folder: Path, what: str, how: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """Be the only one who runs `what` in `folder`, with nothing left over before and after.

    Raises StartError when another process has it already.
    """
    # The kernel lets go of the lock when we die, however we die.
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"{what} is already running in {folder}") from None
        try:
            end_leftovers(folder, how)
            yield
        finally:
            end_leftovers(folder, how)


def tail(log: Path, lines: int = 15) -> str:
    """Return the last `lines` of `log`, or nothing when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
