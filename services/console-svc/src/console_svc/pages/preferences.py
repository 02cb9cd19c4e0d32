"""What a member chooses on pages, and other services should know."""

from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog

from console_svc.pages.api import ApiRefusal, host_of
from console_svc.pages.visit import Visit
from shared.errors import Unavailable

log = structlog.get_logger()


async def save_language(visit: Visit) -> None:
    """Makes the language of the page that of the member's mails, if they chose it on a page.

    Links in mails, and those of other sites, choose for the page only. The page is there even if
    this fails: the next choice tries again.
    """
    if visit.member is None or visit.session is None or not _chosen_here(visit):
        return
    data = _object(visit.member.get("data"))
    if data is None or data.get("language") == visit.language.code:
        return
    kept = orjson.dumps({**data, "language": visit.language.code}).decode()
    try:
        await visit.call("PUT", "resource/users/me", {"data": kept})
    except (ApiRefusal, Unavailable) as failure:
        log.warning("language_not_saved", reason=repr(failure))


def _chosen_here(visit: Visit) -> bool:
    """Whether a page of this site led here. Browsers tell it on HTTPS; else the Referer does."""
    headers = visit.request.headers
    if "Sec-Fetch-Site" in headers:
        return headers["Sec-Fetch-Site"] == "same-origin"
    try:
        return urlsplit(headers.get("Referer", "")).netloc == host_of(visit.request)
    except ValueError:
        return False


def _object(data: Any) -> dict[str, Any] | None:
    """The member's `data`; None for what is no JSON object, which is theirs to change."""
    try:
        known = orjson.loads(data) if data else {}
    except (orjson.JSONDecodeError, TypeError):
        return None
    return known if isinstance(known, dict) else None
