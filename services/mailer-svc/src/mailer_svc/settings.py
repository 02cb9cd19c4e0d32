"""Every setting of mailer-svc."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

from marshmallow import fields, validate

from shared.settings import (
    DatabaseSettings,
    Parsed,
    front_end,
    front_end_or_default,
    positive,
    setting,
)


class Tls(StrEnum):
    """How the connection to the relay is encrypted."""

    AUTO = "auto"
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"

    @property
    def certain(self) -> bool:
        """Whether nothing is ever sent in the clear."""
        return self in (Tls.STARTTLS, Tls.TLS)


def _line() -> fields.String:
    """Text that fits into a header."""
    return fields.String(validate=validate.Regexp(r"[^\x00-\x1f\x7f]*\Z", error="Not one line."))


def _tls(text: str) -> Tls:
    try:
        return Tls(text)
    except ValueError:
        raise ValueError(f"Must be one of: {', '.join(Tls)}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailerSettings(DatabaseSettings):
    """Settings of mailer-svc."""

    mails_file: str = setting(
        "BARONG_MAILER_FILE",
        fields.String(),
        "File that says which events become mails (docs/operators/mails.md). If blank: "
        "`mailer.yaml` of the configuration folder.",
        "",
    )
    given_domain: str = front_end()
    app_name: str = setting(
        "BARONG_APP_NAME", _line(), "Name of the application in mails.", "Barong"
    )
    sender_name: str = setting("BARONG_SENDER_NAME", _line(), "Sender's name of mails.", "Barong")
    sender_email: str = setting(
        "BARONG_SENDER_EMAIL", fields.Email(), "Sender's address of mails.", "noreply@barong.io"
    )
    default_language: str = setting(
        "BARONG_DEFAULT_LANGUAGE",
        Parsed(str.lower),
        "Language of mails to users who chose no language, or one without templates.",
        "en",
    )
    templates_dir: str = setting(
        "BARONG_MAIL_TEMPLATES_DIR",
        fields.String(),
        "Folder of templates, `<language>/<mail>.<subject|txt|html>.j2`. Each "
        "replaces a packaged template. A further language needs all of them.",
        "",
    )
    smtp_host: str = setting("BARONG_SMTP_HOST", _line(), "The mail relay's host.", "localhost")
    smtp_port: int = setting("BARONG_SMTP_PORT", positive(65535), "The mail relay's port.", 1025)
    smtp_user: str = setting(
        "BARONG_SMTP_USER", fields.String(), "User at the mail relay. If blank: no login.", ""
    )
    smtp_password: str = setting(
        "BARONG_SMTP_PASSWORD", fields.String(), "Password of this user.", ""
    )
    smtp_tls: Tls = setting(
        "BARONG_SMTP_TLS",
        Parsed(_tls),
        "`starttls`, or `tls` (from the first byte), both with a verified "
        "certificate; `none`; or `auto`: STARTTLS if the relay offers it, with any "
        "certificate.",
        Tls.AUTO,
    )

    @property
    def mails_path(self) -> Path:
        """The file that says which events become mails."""
        return Path(self.mails_file or Path(self.config_dir, "mailer.yaml"))

    @property
    def domain(self) -> str:
        """The front end, to which mails link whose events name none."""
        return front_end_or_default(self.given_domain, production=self.production)

    def conflicts(self) -> Iterable[str]:
        yield from super(MailerSettings, self).conflicts()
        if self.production and not self.smtp_tls.certain and not _loopback(self.smtp_host):
            yield (
                "BARONG_SMTP_TLS: Must be starttls or tls in production, "
                "unless BARONG_SMTP_HOST is this machine: mails carry tokens."
            )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
