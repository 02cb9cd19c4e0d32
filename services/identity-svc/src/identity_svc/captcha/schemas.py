"""The parameter in which clients send what the captcha's widget gave them."""

from typing import Any

from identity_svc.captcha.models import CaptchaResponse
from shared.web.fields import Parameter

MAX_LENGTH = 8192  # reCAPTCHA's tokens have grown to two thousand characters


class CaptchaField(Parameter):
    """Text or an object; a blank value counts as no response."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> CaptchaResponse:
        if isinstance(value, str) and len(value) <= MAX_LENGTH:
            return value
        if isinstance(value, dict):
            return value
        raise self.refuse()

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "object"], "maxLength": MAX_LENGTH}
