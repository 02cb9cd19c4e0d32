"""A Redis of a test's own, which can be killed, started again, and made to hang."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Self

from deploy.local import ports, processes
from tests.support import programs
from tests.support.waiting import until

PASSWORD = "a-password-of-redis"


class RedisServer:
    """Keeps nothing on disk; wants a password."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = programs.redis()
        self.port = ports.free_ports(1)[0]
        self._process: Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def in_folder(cls, folder: Path) -> Iterator[Self]:
        """A server that is not started yet; stopped when the block ends."""
        server = cls(folder)
        try:
            yield server
        finally:
            server.kill()

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Starts it and returns when it listens."""
        self._process = processes.start(
            [
                *(self._program.file, "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--requirepass", PASSWORD, "--save", "", "--appendonly", "no"),
            ],
            mark=self._folder,
            env=self._program.env,
            log=self._folder / "redis.log",
            cwd=self._folder,
        )
        await until(self._listens)

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """It takes connections and bytes, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Ends `hang`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, processes.tail(self._folder / "redis.log")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
