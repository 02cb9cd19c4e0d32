"""Refusals of one service that another passes on to its clients as they are.

The constants are for declarations of operations: all codes that a rule of several faults can give.
"""

from shared.errors import Invalid, NotFound


class UsedCode(Invalid):
    """The code of the second factor was right, and this one or a later one was accepted before."""

    codes = ("totp.error",)


class UnknownState(Invalid):
    """There is no such state of a user."""

    codes = ("state.inclusion",)


class LabelKeyTaken(Invalid):
    """The user has a label with this key in this scope."""

    codes = ("key.taken",)


class LabelNotFound(NotFound):
    """The user has no label with this key in this scope; for administrators."""

    codes = ("admin.label.doesnt_exist",)


class DataStorageNotFound(NotFound):
    """The user has no data storage with this title; for administrators."""

    codes = ("admin.storage.doesnt_exist",)


class SessionNotFound(NotFound):
    """The user has no such session; for administrators."""

    codes = ("admin.session.doesnt_exist",)


class RestrictionValueTaken(Invalid):
    """Another restriction has the same category, scope and value."""

    codes = ("value.taken",)


UNFIT_PASSWORD = Invalid(("password.requirements", "password.too_long", "password.weak"))

UNFIT_EMAIL = Invalid(("email.invalid", "email.taken"))

INVALID_DATA = Invalid(("data.invalid_format", "data.too_long"))
"""Of the data that front ends store with a user."""

INVALID_LABEL_VALUE = Invalid(("value.too_short", "value.too_long", "value.invalid"))
INVALID_LABEL = Invalid(
    ("key.too_short", "key.too_long", "key.invalid", *INVALID_LABEL_VALUE.codes)
)
LONG_DESCRIPTION = Invalid(("description.too_long",))
UNKNOWN_SCOPE = Invalid(("scope.inclusion",))
"""Of labels, as administrators write them."""

INVALID_PROFILE = Invalid(
    (
        *("first_name.too_long", "first_name.invalid", "last_name.too_long", "last_name.invalid"),
        *("dob.invalid", "city.too_long", "city.invalid"),
        "country.must have alpha2 or alpha3 format",
        *("postcode.too_short", "postcode.too_long", "postcode.invalid"),
        *("address.too_long", "address.invalid", "metadata.too_long", "metadata.invalid_format"),
    )
)
