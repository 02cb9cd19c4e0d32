"""The providers that deliver codes to phones."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

import structlog

from resource_svc.phones.models import CHANNELS
from resource_svc.phones.twilio import TwilioSms, TwilioVerify
from resource_svc.settings import ResourceSettings

log = structlog.get_logger()


class Provider(Protocol):
    """Sends codes. Some providers send codes of their own, and alone know whether one is right."""

    channels: frozenset[str]
    """The channels that it sends by."""

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections for the time of the block."""
        ...

    async def send(self, number: str, code: str, channel: str) -> None:
        """Sends a code, ours or one of its own, to a number (E.164).

        Raises `NotDelivered`, `Throttled`, or `Unavailable` when it is not known to be on its way.
        """
        ...

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """Whether a code proves the number; `is_ours` when it is the one that `send` was given.

        Raises `Throttled` or `Unavailable`.
        """
        ...


class Mock:
    """BARONG_PHONE_VERIFICATION=mock sends nothing and accepts everything.

    It is for development; production refuses it.
    """

    channels = frozenset(CHANNELS)

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Has no connections."""
        return nullcontext()

    async def send(self, number: str, code: str, channel: str) -> None:
        """Logs the code."""
        log.info("phone_code_not_sent", number=number, code=code, channel=channel)

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """Accepts any code."""
        log.info("phone_code_accepted", number=number, code=code, is_ours=is_ours)
        return True


def configured_provider(settings: ResourceSettings) -> Provider:
    """The provider that BARONG_PHONE_VERIFICATION names."""
    account = settings.twilio_account_sid, settings.twilio_auth_token
    match settings.phone_verification:
        case "twilio_sms":
            return TwilioSms(
                settings.twilio_url,
                *account,
                settings.twilio_phone_number,
                settings.sms_content_template,
            )
        case "twilio_verify":
            return TwilioVerify(settings.twilio_verify_url, *account, settings.twilio_service_sid)
        case _:
            return Mock()
