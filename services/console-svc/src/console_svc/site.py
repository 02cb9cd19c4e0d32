"""Pages as data: each address with its handlers and its visitors, and the errors of all pages."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import structlog
from aiohttp import web

from console_svc.core import Core
from console_svc.pages import preferences, sentences
from console_svc.pages.abilities import ABILITIES, Abilities, Calls
from console_svc.pages.api import ApiAnswer, ApiRefusal
from console_svc.pages.forms import FIELD, require_same_origin, require_token
from console_svc.pages.languages import COOKIE
from console_svc.pages.returning import FIRST_PAGE, detour
from console_svc.pages.static import PREFIX
from console_svc.pages.uploads import ReceivedFiles
from console_svc.pages.visit import Eager, Handler, Visit
from shared.errors import Malformed, Refusal, TooLarge, Unavailable
from shared.web.bodies import MULTIPART, read_body
from shared.web.context import CLIENT_ADDRESS
from shared.web.errors import OUTCOME, status_of

log = structlog.get_logger()

MAX_FORM_BYTES = 128 * 1024
LOG_IN, VERIFICATION = "/account/log-in", "/account/verification"
_FORMS = ("application/x-www-form-urlencoded", MULTIPART)
_A_YEAR = 365 * 24 * 3600


class Visitors(Enum):
    """Who may see a page: everybody, members with a session, or those whose role may do more."""

    ANYONE = "anyone"
    MEMBERS = "members"
    STAFF = "staff"


ANYONE, MEMBERS, STAFF = Visitors.ANYONE, Visitors.MEMBERS, Visitors.STAFF


@dataclass(frozen=True, slots=True)
class Page:
    """An address: `show` answers GET, `submit` a form.

    A form that the API refuses is shown again, by `show`, with the reasons and what was typed.
    Pages of the console name what they call: links and forms that would be refused are not shown.
    """

    path: str
    visitors: Visitors
    show: Handler
    submit: Handler | None = None
    files: bool = False
    reads: tuple[str, ...] = ()
    sends: str = ""


def site(app: web.Application, pages: Sequence[Page], core: Core) -> None:
    """Adds the pages and the static files to the application."""
    calls = {page.path: Calls(page.reads, page.sends) for page in pages}
    for page in pages:
        endpoint = _Endpoint(page, core, calls)
        app.router.add_get(page.path, endpoint.get)
        if page.submit is not None:
            app.router.add_post(page.path, endpoint.post)
    app.router.add_get(PREFIX + "/{digest}/{name}", core.static.answer)
    unknown = _Endpoint(Page("", ANYONE, _unknown), core, calls)
    app.router.add_get("/{path:.*}", unknown.get)
    app.router.add_post("/{path:.*}", unknown.get)


async def _unknown(visit: Visit) -> web.StreamResponse:
    raise web.HTTPNotFound


class _Endpoint:
    """One page as aiohttp calls it."""

    def __init__(self, page: Page, core: Core, calls: Mapping[str, Calls]) -> None:
        self._page = page
        self._core = core
        self._calls = calls

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Shows the page."""
        return await self._answered(request, self._show)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Takes the form."""
        return await self._answered(request, self._submit)

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer of the handler, or a page that says what went wrong."""
        visit = Visit(
            request,
            self._core.api,
            self._core.renderer,
            self._core.authority.ranks,
            self._core.renderer.languages.choose(request),
        )
        try:
            response = await handler(visit)
        except ApiRefusal as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            return _refused(visit, refusal)
        except Refusal as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            if isinstance(refusal, Unavailable):
                log.warning("dependency_unavailable", dependency=refusal.dependency)
            status = status_of(refusal)
            told = ApiRefusal(status, refusal.codes, refusal.retry_after)
            response = _error(visit, status, sentences.of(visit.language, told))
            if refusal.retry_after is not None:
                response.headers["Retry-After"] = str(refusal.retry_after)
            return response
        except web.HTTPNotFound:
            told = ApiRefusal(404, ["console.no_page"])
            return _error(visit, 404, sentences.of(visit.language, told))
        except web.HTTPRequestEntityTooLarge:
            told = ApiRefusal(413, TooLarge.codes)
            return _error(visit, 413, sentences.of(visit.language, told))
        except Exception:
            log.exception("unforeseen_error")
            request[OUTCOME] = "server.internal_error"
            told = ApiRefusal(500, ["server.internal_error"])
            return _error(visit, 500, sentences.of(visit.language, told))
        if request.query.get("lang") == visit.language.code:
            response.set_cookie(
                COOKIE, visit.language.code, max_age=_A_YEAR, httponly=True, samesite="Lax"
            )
            await preferences.save_language(visit)
        return response

    async def _show(self, visit: Visit) -> web.StreamResponse:
        if not isinstance(self._page.show, Eager):
            await self._recognize(visit)
            return await self._page.show(visit)
        visit.recognition = asyncio.create_task(self._recognize(visit))
        try:
            return await self._page.show(visit)
        except Exception:
            await visit.recognition  # its refusal comes first
            raise
        finally:
            visit.recognition.cancel()

    async def _submit(self, visit: Visit) -> web.StreamResponse:
        require_same_origin(visit.request)
        await self._recognize(visit)
        if not self._page.files:
            return await self._submitted(visit, None)
        with self._core.uploads.one(visit.request[CLIENT_ADDRESS]) as files:
            return await self._submitted(visit, files)

    async def _submitted(self, visit: Visit, files: ReceivedFiles | None) -> web.StreamResponse:
        submit = self._page.submit
        if submit is None:
            raise web.HTTPNotFound
        visit.form = await _form(visit.request, files)
        require_token(visit.text(FIELD), visit.csrf_token)
        try:
            return await submit(visit)
        except ApiRefusal as refusal:
            if refusal.means_logged_out or refusal.wants_verification or refusal.status == 429:
                raise
            visit.request[OUTCOME] = ",".join(refusal.codes)
            visit.refuse(refusal)
        return await self._page.show(visit)

    async def _recognize(self, visit: Visit) -> None:
        """Finds out who the visitor is; raises `ApiRefusal` for pages of members only."""
        members_only = self._page.visitors is not ANYONE
        if not visit.api.has_session(visit.request):
            if members_only:
                raise ApiRefusal(401, ["authz.invalid_session"])
            return
        paths = ["identity/sessions", "resource/users/me"]
        if self._page.visitors is STAFF:
            paths.append(ABILITIES)
        session, member, *abilities = await asyncio.gather(
            *(visit.api.call(visit.request, "GET", path) for path in paths), return_exceptions=True
        )
        if isinstance(session, ApiAnswer) and isinstance(member, ApiAnswer):
            visit.session, visit.member = session.body, member.body
            for answer in abilities:
                if isinstance(answer, BaseException):  # the role has no business here
                    raise answer
                visit.abilities = Abilities(
                    visit.me, answer.body, self._core.authority, self._calls
                )
            return
        for refusal in (session, member):
            if isinstance(refusal, ApiRefusal) and refusal.hides_visitor and not members_only:
                continue
            if isinstance(refusal, BaseException):
                raise refusal


def _refused(visit: Visit, refusal: ApiRefusal) -> web.Response:
    """The way to the page that helps, from where the visitor comes back; else an error."""
    address = visit.request.rel_url
    is_get = visit.request.method == "GET"
    if refusal.means_logged_out:
        return _led(visit, detour(visit, LOG_IN, address.raw_path_qs if is_get else FIRST_PAGE))
    if refusal.wants_verification:
        level = {"acr": refusal.wanted_level} if refusal.wanted_level else {}
        back = address.raw_path_qs if is_get else address.raw_path
        return _led(visit, detour(visit, VERIFICATION, back, **level))
    # The gateway says 401 also to roles that may not do something.
    status = 403 if refusal.status == 401 else refusal.status
    response = _error(visit, status, sentences.of(visit.language, refusal))
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _led(visit: Visit, response: web.Response) -> web.Response:
    """The same way for a script, which would take another page for a part of the one at hand."""
    if "HX-Request" in visit.request.headers:
        response.headers["HX-Redirect"] = response.headers.popone("Location")
        response.set_status(204)
    return response


async def _form(request: web.Request, files: ReceivedFiles | None) -> Mapping[str, Any]:
    """The fields of a form; raises `TooLarge`, or `Malformed` for what is no form."""
    if request.content_type not in _FORMS:
        raise Malformed
    limit = files.max_body_bytes if files else MAX_FORM_BYTES
    form: Mapping[str, Any] = await read_body(request.headers, request.content, limit, files)
    return form


def _error(visit: Visit, status: int, faults: Sequence[str]) -> web.Response:
    """A page that says what went wrong and what to do, with the request id."""
    visit.status = status
    return visit.page("pages/error.html", sentences=faults, code=status)
