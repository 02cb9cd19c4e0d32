"""Lets an operation go on when its captcha is solved, or when it wants none."""

from collections.abc import Set
from contextlib import AbstractAsyncContextManager

from prometheus_client import CollectorRegistry, Counter

from identity_svc.captcha.errors import CaptchaRequired
from identity_svc.captcha.fields import CaptchaResponse
from identity_svc.captcha.provider import Provider
from shared.errors import Refusal, Unavailable


class VerifyCaptcha:
    """Asked first: before anything costs time, or counts as an attempt at a secret."""

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
        """Keeps connections to the provider for the time of the block."""
        return self._provider.opened()

    async def __call__(self, endpoint: str, response: CaptchaResponse | None) -> None:
        """Raises what `Provider.verify` raises."""
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
