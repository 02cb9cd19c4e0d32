"""Links and codes that are mailed for a log-in, and why one does not work.

Faults are 422: a 401 makes front ends forget the session that there may be.
"""

import secrets
import uuid
from dataclasses import dataclass, field

from identity_svc.browsers.models import digest
from shared.errors import Invalid, NotFound

COOKIE = "_barong_mail_log_in"
"""The cookie that identifies the browser that asked for a mail."""

MAX_TOKEN = 64
"""The longest token of a link; ours have 43 characters."""

MAX_TRIES = 5
"""The wrong codes that a mail allows. Afterwards its link does not work either."""

MAX_PER_BROWSER = 5
"""The mails of one browser that work at the same time; one more ends the oldest."""

_CODE_DIGITS = 8


class MailLogInOff(NotFound):
    """This installation has no log-in by mail."""

    codes = ("mail_log_in.off",)


class InvalidMailLogIn(Invalid):
    """The link or the code is wrong, too old or used, or there were too many wrong codes."""

    codes = ("mail_log_in.invalid",)


class MissingCode(Invalid):
    """There is no link, or another browser asked for it: the code is needed as well."""

    codes = ("mail_log_in.missing_code",)


@dataclass(frozen=True, slots=True)
class Digests:
    """What is stored of the secrets of a mail.

    The code is short. It is stored only together with a secret of 256 bits that is not stored, so
    that nobody who reads the table can find it by trying.
    """

    browser: bytes
    link: bytes
    code_in_browser: bytes
    code_with_link: bytes


@dataclass(frozen=True, slots=True)
class MailedSecrets:
    """The token of the link, and the code: both are in the mail and nowhere else."""

    token: str = field(repr=False)
    code: str = field(repr=False)

    @classmethod
    def make(cls) -> "MailedSecrets":
        """New ones."""
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
        return cls(secrets.token_urlsafe(32), code)

    def digests(self, browser: str) -> Digests:
        """What is stored of them, and of the browser that asked."""
        return Digests(
            digest(browser),
            digest(self.token),
            digest(browser, self.code),
            digest(self.token, self.code),
        )


@dataclass(frozen=True, slots=True)
class MailLogIn:
    """A mail that still works; `uid` is None where none was sent."""

    id: uuid.UUID
    uid: str | None
    digests: Digests = field(repr=False)
