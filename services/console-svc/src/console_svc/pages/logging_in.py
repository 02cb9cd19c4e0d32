"""What all ways to log in share: for whom a visitor logs in, and what happens afterwards."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from console_svc.pages.api import ApiRefusal
from console_svc.pages.returning import challenge_in, leads_to_device, way_back
from console_svc.pages.visit import Visit
from shared.contracts.authentication import LEVELS, ONE_FACTOR
from shared.web.content_security import source_of


@dataclass(frozen=True, slots=True)
class Purpose:
    """For what a visitor logs in: an application of others, a device, or a page of ours.

    `client_host` publishes the application's name, which anybody can choose; None for applications
    that are registered here. `level` is the `acr` that it asks for, blank for any.
    """

    client_name: str = ""
    client_host: str | None = None
    email: str = ""
    level: str = ""
    is_device: bool = False
    needs_log_in: bool = False
    """Even if the visitor is logged in."""


def challenge_path(challenge: str) -> str:
    """The operation of the API that shows a challenge, and takes its answer."""
    return f"identity/oauth/challenges/{challenge}"


async def purpose_of(visit: Visit) -> Purpose:
    """For what the visitor logs in, by their way back; the page is made for it.

    It is in the language that the application asks for, and its forms may lead to the application.
    Raises `ApiRefusal` if the application's request has expired.
    """
    back = way_back(visit)
    challenge = challenge_in(back)
    if not challenge:
        return Purpose(is_device=leads_to_device(back))
    asked = (await visit.get(challenge_path(challenge))).body
    visit.prefer_languages(asked["ui_locales"])
    visit.lead_to(source_of(asked["redirect_uri"]))
    present = str(visit.member["email"]) if visit.member is not None else ""
    return Purpose(
        client_name=asked["client_name"],
        client_host=asked["client_host"],
        email=asked["login_hint"] or present,
        level=_lowest(asked["acr_values"]),
        needs_log_in=asked["kind"] == "login",
    )


async def enter(visit: Visit) -> web.Response:
    """Leads back after a log-in.

    The session whose cookie is replaced in the browser ends: nobody could log out of it any more.
    """
    if visit.member is not None:
        try:
            # Not as `visit.call`, which would take the new cookie away as well.
            await visit.api.call(
                visit.request, "DELETE", "identity/sessions", csrf=visit.csrf_token, form={}
            )
        except ApiRefusal as refusal:
            if not refusal.means_logged_out and refusal.status != 404:
                raise
    return visit.go(way_back(visit))


def _lowest(wanted: list[Any]) -> str:
    """The weakest of the levels that will do; blank if each log-in does."""
    known = [level for level in LEVELS if level in wanted]
    return known[0] if known and known[0] != ONE_FACTOR else ""
