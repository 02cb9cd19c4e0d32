"""Why a document, or a link to one, is refused."""

from shared.errors import BadRequest, Forbidden, Invalid


class TooManyDocuments(BadRequest):
    """The user would have more documents than he may."""

    codes = ("resource.documents.limit_will_be_reached",)


class NoExpiry(Invalid):
    """It is not said when the document expires."""

    codes = ("resource.documents.invalid_format",)


class ExpiryNotADate(Invalid):
    """What is said of its expiry is no day."""

    codes = ("resource.documents.expire_not_a_date",)


class AlreadyExpired(Invalid):
    """It expired before today."""

    codes = ("resource.documents.already_expired",)


class BadLink(Forbidden):
    """The link is not one of ours, or is too old."""

    codes = ("resource.upload.invalid_link",)
