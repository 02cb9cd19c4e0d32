"""GeeTest's captchas, version 3."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from identity_svc.captcha.models import (
    CaptchaRequired,
    CaptchaResponse,
    MandatoryFieldsMissing,
    VerificationFailed,
)
from identity_svc.captcha.provider import ProviderApi

_CHALLENGE = re.compile(r"[0-9A-Za-z]{32}")
_MAX_PART = 512


class Geetest:
    """BARONG_CAPTCHA=geetest; the response is an object with challenge, validate and seccode.

    GeeTest's fallback mode for when it is down accepts anybody who can compute an MD5, so it is not
    supported here.
    """

    name = "geetest"

    def __init__(self, url: str, captcha_id: str, key: str) -> None:
        self._api = ProviderApi(self.name, url)
        self._id = captcha_id
        self._key = key

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections open for the time of the block."""
        return self._api.opened()

    async def register(self) -> dict[str, Any]:
        """The parameters with which the widget shows a new captcha; raises `Unavailable`."""
        query = {"gt": self._id, "json_format": "1", "new_captcha": "1", "client_type": "unknown"}
        answer = await self._api.call("GET", "/register.php", query=query)
        challenge = answer.get("challenge")
        if not isinstance(challenge, str) or not _CHALLENGE.fullmatch(challenge):
            raise self._api.odd("no challenge; is our id known?")
        return {
            "success": 1,
            "gt": self._id,
            "challenge": _md5(challenge + self._key),
            "new_captcha": True,
        }

    async def verify(self, response: CaptchaResponse | None) -> None:
        """Checks the response with our key first, and then asks GeeTest.

        GeeTest answers once for each challenge.
        """
        if not response:
            raise CaptchaRequired
        challenge, validate, seccode = _parts(response)
        expected = _md5(f"{self._key}geetest{challenge}")
        if not hmac.compare_digest(expected.encode(), validate.encode()):
            raise VerificationFailed
        form = {
            "seccode": seccode,
            "challenge": challenge,
            "captchaid": self._id,
            "timestamp": str(int(time.time())),
            "json_format": "1",
            "sdk": "barong",
        }
        answer = await self._api.call("POST", "/validate.php", form=form)
        confirmed = answer.get("seccode")
        if not isinstance(confirmed, str):
            raise self._api.odd("no verdict")
        if not hmac.compare_digest(_md5(seccode).encode(), confirmed.encode()):
            raise VerificationFailed


def _parts(response: CaptchaResponse) -> tuple[str, str, str]:
    parts = _object(response) if isinstance(response, str) else response
    challenge, validate, seccode = (
        parts.get(f"geetest_{name}") for name in ("challenge", "validate", "seccode")
    )
    for part in (challenge, validate, seccode):
        if not isinstance(part, str) or not 0 < len(part) <= _MAX_PART:
            raise MandatoryFieldsMissing
    return str(challenge), str(validate), str(seccode)


def _object(text: str) -> Mapping[str, Any]:
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        raise MandatoryFieldsMissing from None
    if not isinstance(parts, dict):
        raise MandatoryFieldsMissing
    return parts


def _md5(text: str) -> str:
    """The digest that GeeTest's protocol prescribes."""
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
