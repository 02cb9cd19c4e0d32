"""The cookie in which a client holds its session, and the answer that hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from identity_svc.sessions.models import OpenedSession
from shared.contracts.users import full_information
from shared.web.answers import answer
from shared.web.cookies import cookies


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The cookie's name, and whether it is for HTTPS only."""

    name: str
    secure: bool

    def all_of(self, request: web.Request) -> tuple[str, ...]:
        """The session cookies that the client sent: the gateway accepts any that lives."""
        return cookies(request.headers, self.name)

    def hand_over(self, opened: OpenedSession, attachments: Mapping[str, Any]) -> web.Response:
        """The user, their CSRF token, the cookie, and a bearer for clients without cookies."""
        body = full_information(opened.user, attachments) | {"csrf_token": opened.csrf_token}
        response = answer(body, headers={"Authorization": f"Bearer {opened.bearer}"})
        response.set_cookie(
            self.name,
            opened.cookie,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.secure,
        )
        return response

    def take_back(self, response: web.Response) -> web.Response:
        """The same answer, which makes the client delete the cookie."""
        response.del_cookie(self.name, path="/", httponly=True, samesite="Lax", secure=self.secure)
        return response
