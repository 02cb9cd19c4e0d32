"""Reasons of failures, as text that may be logged."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^\s/]*@")
_LONGEST = 500


def reason_of(error: BaseException | None) -> str:
    """The root cause of an error: its type and its message, without credentials.

    Blank where there is none.
    """
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    if error is None:
        return ""
    words = " ".join(str(error).split())
    kind = type(error).__name__
    return without_credentials(f"{kind}: {words}" if words else kind)[:_LONGEST]


def without_credentials(text: str) -> str:
    """The text, with users and passwords removed from its URLs."""
    return _CREDENTIALS.sub("", text)
