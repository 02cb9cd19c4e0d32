"""How long a change can be taken back, and why an address is not changed."""

from shared.errors import Invalid

REVERSAL_SECONDS = 72 * 3600
"""How long the link in the mail to the old address works, and nobody else gets that address."""


class SameEmail(Invalid):
    """The address is the user's already."""

    codes = ("email.no_change",)


class EmailNotConfirmed(Invalid):
    """The account waits for the confirmation of its first address."""

    codes = ("email.not_confirmed",)
