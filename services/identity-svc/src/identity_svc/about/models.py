"""The build of this process, and the settings that front ends may read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.version import VERSION


@dataclass(frozen=True, slots=True)
class Build:
    """What the image's build arguments say, or `make run` in a clone; None if neither says it."""

    git_tag: str
    git_sha: str | None
    build_date: str | None
    version: str

    @classmethod
    def of(cls, git_tag: str, git_sha: str, build_date: str) -> "Build":
        """The version is the tag without its `v`, or `VERSION` if there is no tag."""
        version = git_tag.removeprefix("v") or VERSION
        return cls(git_tag or version, git_sha or None, build_date or None, version)

    def to_public(self) -> dict[str, str | None]:
        """The answer of GET /identity/version."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configs:
    """The settings that front ends need to show their forms."""

    session_seconds: int
    captcha: str
    captcha_id: str | None
    phone_verification: str
    password_min_entropy: float
    password_pattern: re.Pattern[str]
    trusted_device_days: int
    mail_log_in: bool
    log_in_providers: Sequence[Mapping[str, str]]

    def to_public(self) -> dict[str, Any]:
        """The answer of GET /identity/configs; `captcha_id` is reCAPTCHA's site key."""
        entropy = self.password_min_entropy
        return {
            "session_expire_time": self.session_seconds,
            "captcha_type": self.captcha,
            **({"captcha_id": self.captcha_id} if self.captcha_id else {}),
            "phone_verification_type": self.phone_verification,
            "password_min_entropy": int(entropy) if entropy.is_integer() else entropy,
            "password_regexp": self.password_pattern.pattern,
            **(
                {"trusted_device_days": self.trusted_device_days}
                if self.trusted_device_days
                else {}
            ),
            **({"mail_log_in": True} if self.mail_log_in else {}),
            **({"log_in_providers": list(self.log_in_providers)} if self.log_in_providers else {}),
        }
