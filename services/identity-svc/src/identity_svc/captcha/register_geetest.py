"""Begins a GeeTest captcha."""

from dataclasses import dataclass
from typing import Any

from identity_svc.captcha.errors import NoGeetest
from identity_svc.captcha.geetest import Geetest
from identity_svc.captcha.provider import Provider


@dataclass(frozen=True, slots=True)
class RegisterGeetest:
    """For installations whose captchas are GeeTest's."""

    provider: Provider

    async def __call__(self) -> dict[str, Any]:
        """What the widget needs; raises `NoGeetest` or `Unavailable`."""
        if not isinstance(self.provider, Geetest):
            raise NoGeetest
        return await self.provider.register()
