"""Why a user is not erased."""


class NotErasable(Exception):
    """There is no such user, they are not deleted, or so recently that a call may be under way."""
