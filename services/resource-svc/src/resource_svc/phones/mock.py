"""A provider for development: sends nothing and accepts everything."""

from contextlib import AbstractAsyncContextManager, nullcontext

import structlog

from resource_svc.phones.rules import CHANNELS

log = structlog.get_logger()


class Mock:
    """BARONG_PHONE_VERIFICATION=mock; production refuses it."""

    channels = frozenset(CHANNELS)

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Nothing to keep."""
        return nullcontext()

    async def send(self, number: str, code: str, channel: str) -> None:
        """Logs the code."""
        log.info("phone_code_not_sent", number=number, code=code, channel=channel)

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """Whatever the code is."""
        log.info("phone_code_accepted", number=number, code=code, is_ours=is_ours)
        return True
