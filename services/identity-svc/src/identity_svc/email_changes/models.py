"""How long a change can be taken back, and why an address is not changed."""

from datetime import datetime, timedelta

from shared.errors import Invalid

REVERSAL_SECONDS = 72 * 3600
"""How long the link in the mail to the old address works, and nobody else gets that address."""


_SUSPECT_SECONDS = 72 * 3600


def suspect_since(changed_at: datetime, token_seconds: int) -> datetime:
    """Since when credentials of an account may be those of whoever changed its address.

    The change was requested at most `token_seconds` before it was made, the life of its token.
    """
    return changed_at - timedelta(seconds=_SUSPECT_SECONDS + token_seconds)


class SameEmail(Invalid):
    """The address is the user's already."""

    codes = ("email.no_change",)


class EmailNotConfirmed(Invalid):
    """The account waits for the confirmation of its first address."""

    codes = ("email.not_confirmed",)
