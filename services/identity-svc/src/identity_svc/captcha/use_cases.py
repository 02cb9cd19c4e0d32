"""Captchas: required by some operations, solved at a provider."""

from collections.abc import Sequence, Set
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter

from identity_svc.captcha.configuration import protected_endpoints
from identity_svc.captcha.geetest import Geetest
from identity_svc.captcha.models import CaptchaRequired, CaptchaResponse, NoGeetest
from identity_svc.captcha.provider import NoCaptcha, Provider
from identity_svc.captcha.recaptcha import Recaptcha
from identity_svc.core import Core
from identity_svc.settings import IdentitySettings
from shared.errors import Refusal, Unavailable

log = structlog.get_logger()


class Captchas:
    """Handlers verify the captcha first, before the call costs anything or counts as an attempt."""

    def __init__(
        self, provider: Provider, protected_endpoints: Set[str], registry: CollectorRegistry
    ) -> None:
        self._provider = provider
        self._protected = protected_endpoints if provider.name != "none" else frozenset()
        self._verifications = Counter(
            "captcha_verifications",
            "Captchas that somebody claimed to have solved, by what became of them.",
            ("endpoint", "outcome"),
            registry=registry,
        )

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections to the provider open for the time of the block."""
        return self._provider.opened()

    async def verify(self, endpoint: str, response: CaptchaResponse | None) -> None:
        """Returns when the captcha is solved or the operation requires none.

        Raises what `Provider.verify` raises.
        """
        if endpoint not in self._protected:
            return
        outcome = "solved"
        try:
            await self._provider.verify(response)
        except CaptchaRequired:
            outcome = "missing"
            raise
        except Unavailable:
            outcome = "unavailable"
            raise
        except Refusal:
            outcome = "refused"
            raise
        finally:
            self._verifications.labels(endpoint, outcome).inc()

    async def verify_any(self, endpoints: Sequence[str], response: CaptchaResponse | None) -> None:
        """The same for a call that may be any of these operations: one captcha is enough."""
        for endpoint in endpoints:
            if endpoint in self._protected:
                await self.verify(endpoint, response)
                return

    async def register_geetest(self) -> dict[str, Any]:
        """The parameters with which GeeTest's widget shows a new captcha.

        Raises `NoGeetest` or `Unavailable`.
        """
        if not isinstance(self._provider, Geetest):
            raise NoGeetest
        return await self._provider.register()


def build(core: Core) -> Captchas:
    """Captchas of the provider that the settings name."""
    settings = core.settings
    return Captchas(_provider(settings), protected_endpoints(settings.config_dir), core.registry)


def _provider(settings: IdentitySettings) -> Provider:
    match settings.captcha:
        case "recaptcha":
            return Recaptcha(settings.recaptcha_url, settings.recaptcha_secret_key)
        case "geetest":
            log.warning(
                "pages_have_no_captcha", setting="BARONG_CAPTCHA", pages="those of console-svc"
            )
            return Geetest(settings.geetest_url, settings.geetest_id, settings.geetest_key)
        case _:
            return NoCaptcha()
