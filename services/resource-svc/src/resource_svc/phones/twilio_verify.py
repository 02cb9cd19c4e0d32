"""Codes of Twilio's own, by Twilio Verify."""

from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from resource_svc.phones.rules import CHANNELS
from resource_svc.phones.twilio import TwilioApi, TwilioRefusal


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
            raise refusal.as_told() from None

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """As www.twilio.com/docs/verify/api/verification-check describes it."""
        form = {"To": number, "Code": code}
        try:
            answer = await self._api.post(f"{self._path}/VerificationCheck", form)
        except TwilioRefusal as refusal:
            # What cannot be a code is a bad parameter; a verification that is over is not found.
            if refusal.status in (400, 404):
                return False
            raise refusal.as_told() from None
        return answer.get("status") == "approved"
