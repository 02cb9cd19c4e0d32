"""Every setting of identity-svc."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from marshmallow import fields, validate
from yarl import URL

from identity_svc.operator_key import OperatorKey, read_operator_key
from shared.crypto.key_ring import KeyRing
from shared.messaging.envelope import ALGORITHMS, RS256
from shared.settings import (
    Parsed,
    PublicServiceSettings,
    front_end,
    front_end_or_default,
    positive,
    setting,
    url,
)
from shared.values.addresses import Network, networks


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"Not a regular expression: {error}.") from None


_APP = re.compile("android:apk-key-hash:[A-Za-z0-9_-]{43}")


def _origins(text: str) -> tuple[str, ...]:
    """Origins of pages, by https or at localhost, and of Android apps."""
    origins = tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
    for origin in origins:
        if _APP.fullmatch(origin):
            continue
        url = URL(origin)
        secure = url.scheme == "https" or (url.scheme == "http" and url.host == "localhost")
        if not secure or not url.host or str(url.origin()) != origin:
            raise ValueError(f"{origin}: Not an origin such as https://example.com.")
    return origins


def front_end_origin(domain: str) -> str:
    """The origin of the front end's pages; by https, unless the address says otherwise."""
    return str(URL(domain if "://" in domain else f"https://{domain}").origin())


MIN_KEEP_DAYS = 30  # for so long an event verifies at least, whenever a subscriber reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings(PublicServiceSettings):
    """The settings of identity-svc."""

    master_keys: KeyRing = setting(
        "BARONG_MASTER_KEYS",
        Parsed(KeyRing.parse),
        "Keys of secrets at rest, `id:base64 of 32 bytes`, comma separated. The first "
        "encrypts, all decrypt.",
    )
    ranks_file: str = setting(
        "BARONG_RANKS_FILE",
        fields.String(),
        "File with the ranks of roles: nobody changes a user whose role ranks as high "
        "as their own. If blank: `ranks.yaml` of the configuration folder.",
        "",
    )
    app_name: str = setting(
        "BARONG_APP_NAME",
        fields.String(validate=validate.Regexp("[^:]{1,64}$")),
        "Name of the application, as authenticator apps show it.",
        "Barong",
    )
    given_domain: str = front_end()
    uid_prefix: str = setting(
        "BARONG_UID_PREFIX",
        fields.String(validate=validate.Regexp("[A-Z]{2,6}$")),
        "First letters of every uid.",
        "ID",
    )
    session_name: str = setting(
        "BARONG_SESSION_NAME",
        fields.String(validate=validate.Regexp("[A-Za-z0-9_-]+$")),
        "Name of the session cookie.",
        "_barong_session",
    )
    session_seconds: int = setting(
        "BARONG_SESSION_EXPIRE_TIME",
        positive(),
        "Lifetime of a session after its last use, in seconds.",
        1800,
    )
    session_absolute_seconds: int = setting(
        "BARONG_SESSION_ABSOLUTE_EXPIRE_TIME",
        positive(),
        "Longest lifetime of a session after the login, however much it is used, in seconds.",
        86_400,
    )
    sessions_per_user: int = setting(
        "BARONG_SESSIONS_PER_USER",
        positive(10_000),
        "How many sessions a user may have. One more ends the oldest.",
        100,
    )
    bearer_seconds: int = setting(
        "BARONG_BEARER_EXPIRE_TIME",
        positive(),
        "Lifetime of a login's bearer token, in seconds.",
        900,
    )
    step_up_seconds: int = setting(
        "BARONG_STEP_UP_SECONDS",
        positive(86_400),
        "For how long after a log-in or a verification users may change their credentials, "
        "in seconds.",
        600,
    )
    mail_token_seconds: int = setting(
        "BARONG_JWT_EXPIRE_TIME",
        positive(),
        "Lifetime of confirmation and password-reset tokens, in seconds.",
        3600,
    )
    password_pattern: re.Pattern[str] = setting(
        "BARONG_PASSWORD_REGEXP",
        Parsed(_pattern),
        "Pattern that a password must match.",
        re.compile(r"^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,80}$"),
    )
    password_min_entropy: float = setting(
        "BARONG_PASSWORD_MIN_ENTROPY",
        fields.Float(validate=validate.Range(0, 128)),
        "How many bits of entropy a password needs at least.",
        20.0,
    )
    hash_threads: int = setting(
        "BARONG_PASSWORD_HASH_THREADS",
        positive(64),
        "How many passwords are hashed at the same time (19 MiB each).",
        max(1, len(os.sched_getaffinity(0)) - 1),
        shown="one less than the cores",
    )
    throttling: bool = setting(
        "BARONG_THROTTLING",
        fields.Boolean(),
        "Whether attempts at secrets are limited. `false` is for load tests.",
        True,
    )
    signing_key_publish_seconds: int = setting(
        "BARONG_SIGNING_KEY_PUBLISH_SECONDS",
        positive(86_400),
        "How long a new signing key is published before it signs, in seconds. "
        "Verifiers keep keys for 300 s.",
        600,
    )
    signing_key_rotation_days: int = setting(
        "BARONG_SIGNING_KEY_ROTATION_DAYS",
        positive(3650),
        "How long a signing key signs before the next one takes over, in days.",
        30,
    )
    signing_key_keep_days: int = setting(
        "BARONG_SIGNING_KEY_KEEP_DAYS",
        fields.Integer(validate=validate.Range(MIN_KEEP_DAYS, 3650)),
        "How long a signing key stays published after its last signature, in days, "
        f"{MIN_KEEP_DAYS} at least: as long as events may wait for a subscriber.",
        MIN_KEEP_DAYS,
    )
    signing_key_reload_seconds: int = setting(
        "BARONG_SIGNING_KEY_RELOAD_SECONDS",
        positive(300),
        "How soon an instance sees changes of the signing keys by others, in seconds.",
        10,
    )
    event_algorithm: str = setting(
        "BARONG_EVENT_ALGORITHM",
        fields.String(validate=validate.OneOf(ALGORITHMS)),
        "What events are signed with: RS256, or ES256, which is many times faster. Tokens are "
        "signed with RS256 in any case.",
        RS256,
    )
    operator_key: OperatorKey | None = setting(
        "JWT_PRIVATE_KEY_PATH",
        Parsed(read_operator_key),
        "The operator's own signing key (PEM, RSA of 2048 bits or more), used instead "
        "of generated keys. The operator rotates it.",
        None,
    )
    trusted_device_days: int = setting(
        "BARONG_TRUSTED_DEVICE_DAYS",
        fields.Integer(validate=validate.Range(0, 90)),
        "For how many days a browser in which users gave a code of their second factor is asked "
        "for none, if they want it so. 30 is usual. 0: never, as this makes the second factor "
        "weaker.",
        0,
    )
    mail_log_in_minutes: int = setting(
        "BARONG_MAIL_LOG_IN_MINUTES",
        fields.Integer(validate=validate.Range(0, 60)),
        "For how many minutes a mailed link or code logs in, in place of the password. 0: there is "
        "no log-in by mail.",
        0,
    )
    log_in_providers_file: str = setting(
        "BARONG_LOG_IN_PROVIDERS",
        fields.String(),
        "File (YAML) of other OpenID providers by which users log in "
        "(docs/operators/log-in-providers.md). If blank: there are none.",
        "",
    )
    log_in_allowed_networks: tuple[Network, ...] = setting(
        "BARONG_LOG_IN_ALLOWED_NETWORKS",
        Parsed(networks),
        "Networks (CIDR, comma separated) in which these providers may be although they are not "
        "public: private, loopback and link-local addresses are refused otherwise.",
        (),
    )
    log_in_plain_http: bool = setting(
        "BARONG_LOG_IN_PLAIN_HTTP",
        fields.Boolean(),
        "Whether these providers may have http addresses. Otherwise they need https.",
        False,
    )
    log_in_timeout: float = setting(
        "BARONG_LOG_IN_TIMEOUT",
        fields.Float(validate=validate.Range(0.1, 30)),
        "Longest wait for one answer of such a provider, in seconds. All answers that a log-in "
        "needs have twice as long.",
        5.0,
    )
    passkey_origins: tuple[str, ...] = setting(
        "BARONG_PASSKEY_ORIGINS",
        Parsed(_origins),
        "Origins whose pages may add and use passkeys, comma separated: `https://…`, "
        "`http://localhost:…`, or `android:apk-key-hash:…`.",
        (),
        shown="the origin of `BARONG_DOMAIN`",
    )
    passkey_domain: str = setting(
        "BARONG_PASSKEY_DOMAIN",
        fields.String(validate=validate.Regexp(r"[a-z0-9-]+(\.[a-z0-9-]+)*$")),
        "The domain to which passkeys are bound (RP ID): that of the origins, or one above it. "
        "Another one makes all passkeys unusable.",
        "",
        shown="the host of the first origin",
    )
    erasure_days: int = setting(
        "BARONG_ERASURE_AFTER_DAYS",
        fields.Integer(validate=validate.Range(0, 36_500)),
        "How many days after users deleted their accounts everything but the uid is "
        "erased and the e-mail address becomes free. 0: never.",
        0,
    )
    captcha: str = setting(
        "BARONG_CAPTCHA",
        fields.String(validate=validate.OneOf(["none", "recaptcha", "geetest"])),
        "Which captcha protects the operations that captcha.yaml names.",
        "none",
    )
    recaptcha_url: str = setting(
        "BARONG_RECAPTCHA_URL", url(), "Where reCAPTCHA verifies.", "https://www.google.com"
    )
    recaptcha_site_key: str = setting(
        "BARONG_RECAPTCHA_SITE_KEY", fields.String(), "reCAPTCHA's site key, for front ends.", ""
    )
    recaptcha_secret_key: str = setting(
        "BARONG_RECAPTCHA_SECRET_KEY", fields.String(), "Our secret key at reCAPTCHA.", ""
    )
    geetest_url: str = setting(
        "BARONG_GEETEST_URL",
        url(),
        "Where GeeTest registers and validates.",
        "https://api.geetest.com",
    )
    geetest_id: str = setting("BARONG_GEETEST_ID", fields.String(), "Our id at GeeTest.", "")
    geetest_key: str = setting("BARONG_GEETEST_KEY", fields.String(), "Our key at GeeTest.", "")
    phone_verification: str = setting(
        "BARONG_PHONE_VERIFICATION",
        fields.String(validate=validate.OneOf(["mock", "twilio_sms", "twilio_verify"])),
        "How resource-svc verifies phones. Front ends read it at GET /identity/configs.",
        "mock",
    )
    git_tag: str = setting("BARONG_GIT_TAG", fields.String(), "Tag of this build.", "")
    git_sha: str = setting(
        "BARONG_GIT_SHA",
        fields.String(),
        "Commit of this build. `make run` sets it in a clone.",
        "",
    )
    build_date: str = setting("BARONG_BUILD_DATE", fields.String(), "When this was built.", "")
    superadmin_email: str = setting(
        "BARONG_SUPERADMIN_EMAIL",
        fields.String(),
        "E-mail of the superadmin whom `seed` makes.",
        "",
    )
    superadmin_password: str = setting(
        "BARONG_SUPERADMIN_PASSWORD", fields.String(), "First password of this superadmin.", ""
    )

    @property
    def ranks_path(self) -> Path:
        """The file that says how roles rank."""
        return Path(self.ranks_file or Path(self.config_dir) / "ranks.yaml")

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are for HTTPS only."""
        return self.production

    @property
    def domain(self) -> str:
        """The address of the front end, as events carry it."""
        return front_end_or_default(self.given_domain, production=self.production)

    @property
    def front_end_address(self) -> str:
        """The address of the front end, as pages of it begin; by https without another scheme."""
        address = self.domain.rstrip("/")
        return address if "://" in address else f"https://{address}"

    def conflicts(self) -> Iterable[str]:
        yield from super(IdentitySettings, self).conflicts()
        if self.session_seconds > self.session_absolute_seconds:
            yield ("BARONG_SESSION_EXPIRE_TIME: longer than BARONG_SESSION_ABSOLUTE_EXPIRE_TIME.")
        if self.passkey_domain:
            for origin in self.passkey_origins or (front_end_origin(self.domain),):
                host = URL(origin).host or ""
                if not _APP.fullmatch(origin) and not f".{host}".endswith(
                    f".{self.passkey_domain}"
                ):
                    yield f"BARONG_PASSKEY_DOMAIN: {origin} is not in this domain."
        if self.captcha == "recaptcha" and not (
            self.recaptcha_site_key and self.recaptcha_secret_key
        ):
            yield (
                "BARONG_CAPTCHA: recaptcha needs BARONG_RECAPTCHA_SITE_KEY and "
                "BARONG_RECAPTCHA_SECRET_KEY."
            )
        if self.captcha == "geetest" and not (self.geetest_id and self.geetest_key):
            yield "BARONG_CAPTCHA: geetest needs BARONG_GEETEST_ID and BARONG_GEETEST_KEY."
        if max(self.bearer_seconds, self.mail_token_seconds) > self.signing_key_keep_days * 86_400:
            yield "BARONG_SIGNING_KEY_KEEP_DAYS: shorter than the life of a token."
