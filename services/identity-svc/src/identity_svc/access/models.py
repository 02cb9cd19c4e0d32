"""Why a whitelink lets nobody in."""

from shared.errors import Invalid


class InvalidWhitelink(Invalid):
    """There is no such link, or it has expired."""

    codes = ("identity.user.access.invalid_token",)
