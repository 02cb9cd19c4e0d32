"""Words of the API that pages show, in the language of the page."""

from collections.abc import Mapping

from console_svc.pages.texts import marked

TERMS: Mapping[str, str] = {
    "active": marked("active"),
    "banned": marked("banned"),
    "deleted": marked("deleted"),
    "denied": marked("denied"),
    "disabled": marked("disabled"),
    "drafted": marked("draft"),
    "enabled": marked("enabled"),
    "failed": marked("failed"),
    "inactive": marked("inactive"),
    "locked": marked("locked"),
    "pending": marked("pending"),
    "rejected": marked("rejected"),
    "submitted": marked("submitted"),
    "succeed": marked("succeeded"),
    "verified": marked("verified"),
}
"""The text of each state and result that the API knows by itself."""


def text_of(term: str) -> str:
    """The text of a word; blank for others, such as states of an operator's own."""
    return TERMS.get(term, "")
