"""Why no activities are listed, and the number of a user among them."""

import hashlib

from shared.errors import Invalid


class NoActivity(Invalid):
    """There is none of this topic."""

    codes = ("resource.user.no_activity",)


class PageTooDeep(Invalid):
    """The page lies deeper in the list than admin-svc reads."""

    codes = ("resource.user.page_too_deep",)


def user_number(uid: str) -> int:
    """A user's number in activities, always the same: 52 bits of their uid's SHA-256.

    Existing front ends read a number; it fits into JavaScript's. Users are referred to by uid.
    """
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:7]) >> 4
