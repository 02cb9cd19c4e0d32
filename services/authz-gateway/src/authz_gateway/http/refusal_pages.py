"""The gateway's own refusals as pages, for people whose browser asked for a page."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final, NamedTuple

from authz_gateway.http.request import Request
from authz_gateway.http.responses import Answer

_MAX_HEADER: Final = 512
_QUALITY: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)", re.IGNORECASE)
_JSON_RANGES: Final = ("application/json", "application/*", "*/*")
_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
)
_POLICY: Final = (
    "default-src 'none'; "
    f"style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LINES: Final = (
    "Content-Type: text/html; charset=utf-8",
    f"Content-Security-Policy: {_POLICY}",
    "Vary: Accept, Accept-Language",
)
_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main id="content">
<h1>{title}</h1>
<ul class="reasons"><li>{reason}</li><li>{advice}</li></ul>
<p class="small">{support}</p>
</main></body>
</html>
"""


class _Texts(NamedTuple):
    """The texts of the pages in one language; `reasons` by the beginnings of codes."""

    title: str
    reasons: Mapping[str, str]
    other: str
    soon: str
    after: str
    later: str
    back: str
    support: str


_TEXTS: Final = {
    "en": _Texts(
        title="This did not work",
        reasons={
            "authz.restrict.maintenance": "We are working on the system.",
            "authz.restrict.": "Calls from your address or country are not allowed.",
            "request.throttled": "You have opened too many pages in a short time.",
            "request.too_large": "What you sent is too large.",
            "request.timeout": "What your browser sent did not arrive in time.",
            "request.": "The server could not read what your browser sent.",
            "server.unavailable": "Part of the system is down.",
            "gateway.": "Part of the system is down.",
        },
        other="Something went wrong on our side.",
        soon="Please try again in a moment.",
        after="Please wait {seconds} s, then try again.",
        later="Please come back later.",
        back="Please go back, and open the page again.",
        support="If this goes on, tell support the request id {id} (status {status}).",
    ),
    "de": _Texts(
        title="Das hat nicht geklappt",
        reasons={
            "authz.restrict.maintenance": "Wir arbeiten gerade am System.",
            "authz.restrict.": "Aufrufe von Ihrer Adresse oder aus Ihrem Land sind nicht erlaubt.",
            "request.throttled": "Sie haben in kurzer Zeit zu viele Seiten geöffnet.",
            "request.too_large": "Was Sie gesendet haben, ist zu groß.",
            "request.timeout": "Was Ihr Browser gesendet hat, kam nicht rechtzeitig an.",
            "request.": "Der Server konnte nicht lesen, was Ihr Browser gesendet hat.",
            "server.unavailable": "Ein Teil des Systems ist ausgefallen.",
            "gateway.": "Ein Teil des Systems ist ausgefallen.",
        },
        other="Bei uns ist etwas schiefgegangen.",
        soon="Bitte versuchen Sie es gleich noch einmal.",
        after="Bitte warten Sie {seconds} s und versuchen Sie es dann noch einmal.",
        later="Bitte kommen Sie später wieder.",
        back="Bitte gehen Sie zurück und öffnen Sie die Seite noch einmal.",
        support=(
            "Wenn das so bleibt, nennen Sie dem Support die Anfragenummer {id} (Status {status})."
        ),
    ),
}
_ENGLISH: Final = "en"


def as_page(request: Request, answer: Answer) -> Answer:
    """The refusal as a page, where the browser prefers one to JSON; else the answer itself.

    `request.reason` has the codes. The page needs no other part of the system and keeps nothing.
    """
    headers = request.head.headers
    if not prefers_html(headers.getall("accept", ())):
        return answer
    language = language_of(headers.getall("accept-language", ()))
    kept = (line for line in answer.lines if not line.startswith("Content-Type:"))
    store = () if request.private else ("Cache-Control: no-store",)
    return Answer(
        answer.status, (*_LINES, *store, *kept), _page(request, answer, language).encode()
    )


def prefers_html(accept: Iterable[str]) -> bool:
    """Whether these values of Accept prefer HTML to JSON (RFC 9110, 12.5.1).

    Browsers do when they open a page. Programs that take anything get JSON.
    """
    wanted = _qualities(accept)
    json = next((wanted[each] for each in _JSON_RANGES if each in wanted), 0.0)
    return wanted.get("text/html", 0.0) > json


def language_of(accept_language: Iterable[str]) -> str:
    """The language that these values of Accept-Language want most (12.5.4); else English."""
    wanted = _qualities(accept_language)
    for each in sorted(wanted, key=lambda tag: -wanted[tag]):
        primary = each.partition("-")[0]
        if primary in _TEXTS and wanted[each] > 0:
            return primary
    return _ENGLISH


def _qualities(values: Iterable[str]) -> dict[str, float]:
    """Each range of the header with its weight; one that cannot be read counts as not wanted."""
    found: dict[str, float] = {}
    for each in ",".join(values)[:_MAX_HEADER].split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        weights = [part for part in parameters if part[:2].lower() == "q="]
        match = _QUALITY.fullmatch(weights[0]) if weights else None
        found[name.lower()] = float(match[1]) if match else 0.0 if weights else 1.0
    return found


def _page(request: Request, answer: Answer, language: str) -> str:
    texts = _TEXTS[language]
    code = (request.reason or "").partition(",")[0]
    known = (text for start, text in texts.reasons.items() if code.startswith(start))
    return _PAGE.format(
        language=language,
        style=_STYLE,
        title=texts.title,
        reason=next(known, texts.other),
        advice=_advice(texts, code, answer),
        support=escape(texts.support.format(id=request.id, status=answer.status)),
    )


def _advice(texts: _Texts, code: str, answer: Answer) -> str:
    """What the visitor can do."""
    if code.startswith("authz.restrict."):
        return texts.later
    for line in answer.lines:
        name, _, value = line.partition(": ")
        if name == "Retry-After" and value.isdecimal():
            return texts.after.format(seconds=value) if int(value) > 1 else texts.soon
    return texts.soon if answer.status >= 500 else texts.back
