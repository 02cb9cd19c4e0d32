"""Why there is no user."""

from shared.errors import NotFound


class UnknownUser(NotFound):
    """The replica has no such user."""


class UserErased(NotFound):
    """The user's personal data are erased for good; nothing may restore them."""
