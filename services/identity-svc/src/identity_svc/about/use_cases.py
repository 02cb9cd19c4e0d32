"""What anybody may know about this installation."""

from dataclasses import dataclass

from identity_svc.about.models import Build, Configs
from identity_svc.core import Core
from identity_svc.openid_providers.use_cases import OpenIdProviders


@dataclass(frozen=True, slots=True)
class About:
    """Facts that hold as long as the process runs."""

    build: Build
    configs: Configs


def build(core: Core, providers: OpenIdProviders) -> About:
    """The facts that the settings give."""
    settings = core.settings
    return About(
        build=Build.of(settings.git_tag, settings.git_sha, settings.build_date),
        configs=Configs(
            session_seconds=settings.session_seconds,
            captcha=settings.captcha,
            captcha_id=settings.recaptcha_site_key if settings.captcha == "recaptcha" else None,
            phone_verification=settings.phone_verification,
            password_min_entropy=settings.password_min_entropy,
            password_pattern=settings.password_pattern,
            trusted_device_days=settings.trusted_device_days,
            mail_log_in=settings.mail_log_in_minutes > 0,
            log_in_providers=[
                {"name": each.name, "label": each.label} for each in providers.list()
            ],
        ),
    )
