"""The seam to those who bring codes to phones."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Provider(Protocol):
    """Who sends codes; some send codes of their own and know alone whether one is right."""

    channels: frozenset[str]
    """The ways in which he sends."""

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections for the time of the block."""
        ...

    async def send(self, number: str, code: str, channel: str) -> None:
        """Sends a code, ours or one of his own, to a number (E.164).

        Raises `NotDelivered`, `Throttled`, or `Unavailable` when it is not known to be on its way.
        """
        ...

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """Whether a code proves the number; `is_ours` when it is the one that `send` was given.

        Raises `Throttled` or `Unavailable`.
        """
        ...
