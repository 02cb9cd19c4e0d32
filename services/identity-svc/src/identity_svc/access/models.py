"""Why a whitelink gives no access."""

from shared.errors import Invalid


class InvalidWhitelink(Invalid):
    """There is no such link, or it has expired."""

    codes = ("identity.user.access.invalid_token",)
