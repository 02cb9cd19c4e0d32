"""identity-svc, which kills itself with -9 at one step of the outbox's way to the broker."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from identity_svc.app import create_app
from identity_svc.settings import IdentitySettings
from identity_svc.signing_keys.key_chain import KeyChain
from shared.messaging.outbox import Outbox
from shared.messaging.publisher import Publisher
from shared.process import serve
from shared.settings import load_settings

STEPS: dict[str, tuple[type, str, str]] = {
    "the events are committed, and not yet read": (Outbox, "unpublished", "when something is read"),
    "they are read": (KeyChain, "sign", "before"),
    "they are signed": (Publisher, "publish", "before"),
    "the first is confirmed, and the second not yet sent": (Publisher, "_send_next_of", "after"),
    "they are published": (Outbox, "mark_published", "before"),
    "they are marked": (Outbox, "mark_published", "after"),
}


def die() -> None:
    """Dies as if the power had gone."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(method: Callable[..., Awaitable[Any]], when: str) -> Callable[..., Awaitable[Any]]:
    """The same method, which does not survive its own work."""

    async def wrapped(*arguments: Any, **options: Any) -> Any:
        if when == "before":
            die()
        result = await method(*arguments, **options)
        if result or when == "after":
            die()
        return result

    return wrapped


if __name__ == "__main__":
    owner, name, when = STEPS[sys.argv[1]]
    setattr(owner, name, deadly(getattr(owner, name), when))
    serve(create_app(load_settings(IdentitySettings)))
