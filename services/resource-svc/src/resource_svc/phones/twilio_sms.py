"""Codes of ours in text messages by Twilio."""

import re
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from resource_svc.phones.twilio import TwilioApi, TwilioRefusal

_CODE = re.compile(r"\{\{\s*code\s*\}\}")


def names_code(template: str) -> bool:
    """Whether a template has a place for the code."""
    return _CODE.search(template) is not None


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
        text = _CODE.sub(code, self._template)
        form = {"To": number, "From": self._sender, "Body": text}
        try:
            await self._api.post(self._path, form)
        except TwilioRefusal as refusal:
            raise refusal.as_told() from None

    async def accepts(self, number: str, code: str, *, is_ours: bool) -> bool:
        """The code that was sent."""
        return is_ours
