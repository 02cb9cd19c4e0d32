"""No captchas: everybody passes."""

from contextlib import AbstractAsyncContextManager, nullcontext

from identity_svc.captcha.fields import CaptchaResponse


class NoCaptcha:
    """BARONG_CAPTCHA=none."""

    name = "none"

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Nothing to keep."""
        return nullcontext()

    async def verify(self, response: CaptchaResponse | None) -> None:
        """Whatever the response is."""
