"""Why a user is not erased."""


class NotErasable(Exception):
    """There is no such user, or they are not deleted, or too recently: a call may be under way."""
