"""Why a user is not erased."""


class NotErasable(Exception):
    """He is not there, not deleted, or deleted so recently that a call of his may be under way."""
