"""Why a label is not written."""

from shared.errors import BadRequest, Invalid, NotFound


class LabelKeyTaken(Invalid):
    """The user has a label with this key in this scope."""

    codes = ("key.taken",)


class TooManyLabels(Invalid):
    """The user has as many public labels as he may have; a code of ours, Barong knows no limit."""

    codes = ("resource.label.limit_reached",)


class LabelIsPrivate(BadRequest):
    """The key is that of a private label, which its user cannot write."""

    codes = ("resource.labels.private",)


class LabelNotFound(NotFound):
    """The user has no label with this key in this scope, as administrators are told."""

    codes = ("admin.label.doesnt_exist",)
