"""Codes by Twilio: ours in text messages, or its own by Twilio Verify."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog

from resource_svc.phones.models import CHANNELS, NotDelivered
from resource_svc.settings import CODE_PLACEHOLDER
from shared.errors import Refusal, Throttled, Unavailable

log = structlog.get_logger()

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_ACCEPTED = (200, 201)
_BLOCKED_SECONDS = 600  # how long Verify blocks a number

# www.twilio.com/docs/api/errors; the answers are Barong's.
_NOT_VALID = "resource.phone.num_not_valid"
_NOT_REACHABLE = "resource.phone.num_not_reachable"
_REFUSALS: Mapping[int, str] = {
    21211: _NOT_VALID,  # invalid `To`
    21217: _NOT_VALID,  # does not look like a phone number
    21265: _NOT_VALID,  # `To` is a short code
    21408: _NOT_REACHABLE,  # no permission for the region
    21610: "resource.phone.unsubscribed_recipient",
    21612: _NOT_REACHABLE,
    21614: _NOT_VALID,  # no mobile number
    21618: "resource.phone.sms_content_invalid",
    60205: _NOT_REACHABLE,  # no SMS to landlines
    60410: _NOT_REACHABLE,  # Verify blocks the prefix, suspecting fraud
    60605: _NOT_REACHABLE,  # Verify blocks the country
}
_UNEXPECTED = "resource.phone.twilio_unexpected"
_TOO_MANY = frozenset({60202, 60203})  # attempts at the codes of one verification, and its sends


class TwilioRefusal(Exception):
    """Twilio understood the call and refuses it; `code` says why."""

    def __init__(self, status: int, code: int) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code

    def to_refusal(self) -> Refusal:
        """The answer to the user, who cannot repair what is not the fault of their number."""
        if self.code in _REFUSALS:
            return NotDelivered([_REFUSALS[self.code]])
        if self.code in _TOO_MANY:
            return Throttled(_BLOCKED_SECONDS)
        log.error("twilio_refuses", status=self.status, code=self.code)
        return NotDelivered([_UNEXPECTED]) if self.status == 400 else Unavailable("twilio")


class TwilioApi:
    """One of Twilio's HTTP APIs. An answer that is not as documented counts as an outage."""

    def __init__(self, url: str, account_sid: str, auth_token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": aiohttp.encode_basic_auth(account_sid, auth_token)}
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps connections for the time of the block."""
        async with aiohttp.ClientSession(
            timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), headers=self._headers
        ) as self._session:
            yield
        self._session = None

    async def post(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer, a JSON object; raises `TwilioRefusal` or `Unavailable`."""
        if self._session is None:
            raise Unavailable("twilio")
        try:
            async with self._session.post(
                self._url + path, data=form, allow_redirects=False
            ) as response:
                answer = await response.json(content_type=None)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise Unavailable("twilio") from error
        if isinstance(answer, dict) and status in _ACCEPTED:
            return answer
        code = answer.get("code") if isinstance(answer, dict) else None
        if isinstance(code, int) and 400 <= status < 500:
            raise TwilioRefusal(status, code)
        log.error("twilio_answers_oddly", status=status)
        raise Unavailable("twilio")


class TwilioSms:
    """BARONG_PHONE_VERIFICATION=twilio_sms; `template` has {{code}} where the code goes."""

    channels = frozenset({"sms"})

    def __init__(
        self, url: str, account_sid: str, auth_token: str, sender: str, template: str
    ) -> None:
        self._api = TwilioApi(url, account_sid, auth_token)
        self._path = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}/Messages.json"
        self._sender = sender
        self._template = template

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections for the time of the block."""
        return self._api.opened()

    async def send(self, number: str, code: str, channel: str) -> None:
        """As www.twilio.com/docs/messaging/api/message-resource describes it."""
        text = CODE_PLACEHOLDER.sub(code, self._template)
        form = {"To": number, "From": self._sender, "Body": text}
        try:
            await self._api.post(self._path, form)
        except TwilioRefusal as refusal:
            raise refusal.to_refusal() from None

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """The code that was sent."""
        return is_ours


class TwilioVerify:
    """BARONG_PHONE_VERIFICATION=twilio_verify: Twilio makes, sends and checks the codes."""

    channels = frozenset(CHANNELS)

    def __init__(self, url: str, account_sid: str, auth_token: str, service_sid: str) -> None:
        self._api = TwilioApi(url, account_sid, auth_token)
        self._path = f"/v2/Services/{quote(service_sid, safe='')}"

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections for the time of the block."""
        return self._api.opened()

    async def send(self, number: str, code: str, channel: str) -> None:
        """As www.twilio.com/docs/verify/api/verification describes it."""
        try:
            await self._api.post(f"{self._path}/Verifications", {"To": number, "Channel": channel})
        except TwilioRefusal as refusal:
            raise refusal.to_refusal() from None

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """As www.twilio.com/docs/verify/api/verification-check describes it."""
        form = {"To": number, "Code": code}
        try:
            answer = await self._api.post(f"{self._path}/VerificationCheck", form)
        except TwilioRefusal as refusal:
            # What cannot be a code is a bad parameter; a verification that is over is not found.
            if refusal.status in (400, 404):
                return False
            raise refusal.to_refusal() from None
        return answer.get("status") == "approved"
