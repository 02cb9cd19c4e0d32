"""What front ends have to know to show their forms."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Configs:
    """The settings that are no secret."""

    session_seconds: int
    captcha: str
    captcha_id: str | None
    phone_verification: str
    password_min_entropy: float
    password_pattern: re.Pattern[str]

    def body(self) -> dict[str, Any]:
        """As the public API answers; `captcha_id` is reCAPTCHA's site key, where there is one."""
        entropy = self.password_min_entropy
        return {
            "session_expire_time": self.session_seconds,
            "captcha_type": self.captcha,
            **({"captcha_id": self.captcha_id} if self.captcha_id else {}),
            "phone_verification_type": self.phone_verification,
            "password_min_entropy": int(entropy) if entropy.is_integer() else entropy,
            "password_regexp": self.password_pattern.pattern,
        }
