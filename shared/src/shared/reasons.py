"""Why something failed, in words that may be logged."""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^\s/]*@")
_LONGEST = 500


def reason_of(error: BaseException | None) -> str:
    """The error at the bottom of what is raised: its kind and its words, without credentials.

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
    """A text whose addresses tell neither user nor password."""
    return _CREDENTIALS.sub("", text)
