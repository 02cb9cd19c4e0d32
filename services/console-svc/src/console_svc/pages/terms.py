"""Words of the API that pages show, in the language of the page."""

from collections.abc import Mapping

from console_svc.pages.texts import marked

TERMS: Mapping[str, str] = {
    # States and results.
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
    # Orders of the directory.
    "asc": marked("ascending"),
    "created_at": marked("sign-up"),
    "desc": marked("descending"),
    "email": marked("e-mail address"),
    "updated_at": marked("last change"),
}
"""The text of each word that the API knows by itself."""


def text_of(term: str) -> str:
    """The text of a word; blank for others, such as states of an operator's own."""
    return TERMS.get(term, "")
