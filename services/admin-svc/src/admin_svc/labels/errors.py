"""Why a label is not changed."""

from shared.errors import NotFound


class LabelNotFound(NotFound):
    """The user has no label with this key in this scope."""

    codes = ("admin.label.doesnt_exist",)
