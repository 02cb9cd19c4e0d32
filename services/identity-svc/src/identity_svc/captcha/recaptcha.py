"""Google's reCAPTCHA v2."""

from contextlib import AbstractAsyncContextManager

from identity_svc.captcha.models import CaptchaRequired, CaptchaResponse, VerificationFailed
from identity_svc.captcha.provider import ProviderApi

_OUR_FAULTS = {"missing-input-secret", "invalid-input-secret"}


class Recaptcha:
    """BARONG_CAPTCHA=recaptcha; the response is the widget's token, which works once."""

    name = "recaptcha"

    def __init__(self, url: str, secret_key: str) -> None:
        self._api = ProviderApi(self.name, url)
        self._secret_key = secret_key

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections open for the time of the block."""
        return self._api.opened()

    async def verify(self, response: CaptchaResponse | None) -> None:
        """Asks Google, as developers.google.com/recaptcha/docs/verify describes."""
        if not response:
            raise CaptchaRequired
        if not isinstance(response, str):
            raise VerificationFailed
        form = {"secret": self._secret_key, "response": response}
        answer = await self._api.call("POST", "/recaptcha/api/siteverify", form=form)
        if answer.get("success") is True:
            return
        faults = answer.get("error-codes", [])
        if not isinstance(faults, list) or "success" not in answer:
            raise self._api.odd("no verdict")
        if _OUR_FAULTS.intersection(map(str, faults)):
            raise self._api.odd("our secret key is refused")
        raise VerificationFailed
