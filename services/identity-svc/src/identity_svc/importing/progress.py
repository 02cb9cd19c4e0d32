"""A progress bar on a terminal."""

import sys
import time
from typing import TextIO

_WIDTH = 30
_SECONDS = 0.1


class Progress:
    """One line that is rewritten; without a terminal, nothing is written."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._watched = self._stream.isatty()
        self._shown = float("-inf")

    def show(self, what: str, done: int, total: int) -> None:
        """Shows `done` of `total`, ten times a second at most, and at the end."""
        now = time.monotonic()
        if not self._watched or (now - self._shown < _SECONDS and done < total):
            return
        self._shown = now
        share = min(done / total, 1.0) if total else 1.0
        bar = "█" * round(share * _WIDTH)
        self._stream.write(f"\r\x1b[K{what:<18} {bar:·<{_WIDTH}} {share:4.0%}")
        self._stream.flush()

    def end(self) -> None:
        """Clears the line for whatever is written next."""
        if self._watched:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
