"""One request of a visitor: who they are, what they typed, and the page that they get."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from console_svc.pages import notices, sentences
from console_svc.pages.abilities import Abilities
from console_svc.pages.api import Api, ApiAnswer, ApiRefusal, scheme_of
from console_svc.pages.forms import FormCookie, kept
from console_svc.pages.languages import Language
from console_svc.pages.rendering import Renderer
from console_svc.pages.uploads import UploadedFile
from shared.policy.ranks import Ranks
from shared.web.context import REQUEST_ID

_MAX_PAGE = 10_000
_PATH = re.compile(r"; *Path=[^;]*", re.IGNORECASE)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
RECAPTCHA_POLICY = (
    "default-src 'none'; script-src 'self' https://www.google.com/recaptcha/ "
    "https://www.gstatic.com/recaptcha/; style-src 'self'; "
    "frame-src https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/; "
    "connect-src 'self' https://www.google.com/recaptcha/; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(slots=True)
class Visit:
    """What a page needs of a request; handlers get it as their only argument.

    `member` is the visitor's own record (UserWithFullInfo), and None without a session;
    `recognition` finds it out while an eager page is made. `form` is what was typed, `typed` what a
    refused form shows again.
    """

    request: web.Request
    api: Api
    renderer: Renderer
    ranks: Ranks
    language: Language
    member: Mapping[str, Any] | None = None
    session: Mapping[str, Any] | None = None
    abilities: Abilities | None = None
    recognition: "asyncio.Task[None] | None" = None
    form: Mapping[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    status: int = 200
    policy: str = POLICY
    leads_to: str = ""
    """The source of an application to which forms of this page lead in the end."""
    _picture_sources: list[str] = field(default_factory=list)
    _form_cookie: FormCookie | None = None
    _set_cookies: list[str] = field(default_factory=list)

    @property
    def path(self) -> Mapping[str, str]:
        """The variable parts of the address."""
        return self.request.match_info

    @property
    def me(self) -> Mapping[str, Any]:
        """The member who visits; raises `ApiRefusal` if nobody is logged in."""
        if self.member is None:
            raise ApiRefusal(401, ["authz.invalid_session"])
        return self.member

    @property
    def is_staff(self) -> bool:
        """Whether the console is offered: what ranks.yaml gives a rank has work there."""
        return self.abilities is not None or (
            self.member is not None and self.ranks.has(str(self.member["role"]))
        )

    @property
    def form_cookie(self) -> FormCookie:
        if self._form_cookie is None:
            self._form_cookie = FormCookie(self.request)
        return self._form_cookie

    @property
    def csrf_token(self) -> str:
        """The token in the forms of this page: the session's, else one for this browser."""
        if self.session is not None:
            return str(self.session["csrf_token"] or "")
        return self.form_cookie.token

    def text(self, name: str) -> str:
        """A field of the form; blank if it is absent, a file, or there several times."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def code(self, name: str) -> str:
        """The code of an authenticator app in the field, or the recovery code in its place."""
        return self.text(name) or self.text("recovery_code")

    def files(self, name: str) -> list[UploadedFile]:
        """The files in a field; a field without a chosen file has one without a name."""
        value = self.form.get(name, ())
        given = value if isinstance(value, list) else [value]
        return [file for file in given if isinstance(file, UploadedFile) and file.filename]

    @property
    def page_number(self) -> int:
        """The page of a list that the address asks for."""
        value = self.request.query.get("page", "1")
        number = int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else 1
        return min(max(number, 1), _MAX_PAGE)

    @property
    def same_page(self) -> dict[str, str]:
        """The query of the page of a list that is shown, where a form of one of its rows leads."""
        return {"page": str(self.page_number)} if self.page_number > 1 else {}

    def forget_form(self) -> None:
        """The form was taken: the page shows an empty one."""
        self.form = {}

    def may(self, verb: str, path: str) -> bool:
        """Whether the visitor's role may call an operation; pages of members do not know."""
        return self.abilities is not None and self.abilities.may_call(verb, path)

    def may_open(self, page: str) -> bool:
        """Whether a page of the console, by its address in the table of pages, is shown to them."""
        return self.abilities is not None and self.abilities.may_open(page)

    def may_send(self, page: str, user: Mapping[str, Any] | None = None) -> bool:
        """Whether the form that goes to such a page, and concerns this user, is taken from them."""
        return self.abilities is not None and self.abilities.may_send(page, user)

    async def download(
        self, answer: aiohttp.ClientResponse, filename: str, content_type: str
    ) -> web.StreamResponse:
        """Hands an answer of the API on as a file, while it arrives."""
        response = web.StreamResponse(
            headers={
                "Content-Type": content_type,
                "Content-Disposition": f'attachment; filename="{filename}"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            }
        )
        await response.prepare(self.request)
        async for part in answer.content.iter_any():
            await response.write(part)
        await response.write_eof()
        return response

    def address_of(self, number: int, query: Mapping[str, str]) -> str:
        """Another page of the list on this page."""
        return f"?{urlencode({**query, 'page': str(number)})}"

    def filtered_by(self, **filters: str) -> str:
        """The list on this page with these filters alone."""
        return f"?{urlencode(filters)}"

    def address_in(self, code: str) -> str:
        """The address of this page in another language."""
        query = [(name, value) for name, value in self.request.query.items() if name != "lang"]
        if "next" not in self.request.query and self.text("next"):  # of a form that was refused
            query.append(("next", self.text("next")))
        return f"{self.request.path}?{urlencode([*query, ('lang', code)])}"

    async def recognized(self) -> None:
        """Returns when it is known who visits; raises what refuses the page to them."""
        if self.recognition is not None:
            await self.recognition

    async def get(self, path: str, /, **query: str | None) -> ApiAnswer:
        """A GET of the API; parameters that are None or blank are left out.

        Returns when it is known who visits, too. If that is refused, the page is.
        """
        given = {name: value for name, value in query.items() if value}
        answer, recognized = await asyncio.gather(
            self.api.call(self.request, "GET", path, query=given),
            self.recognized(),
            return_exceptions=True,
        )
        if isinstance(recognized, BaseException):
            raise recognized
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def call(self, method: str, path: str, form: Mapping[str, str]) -> ApiAnswer:
        """A change by the API; what it sets as cookies goes to the browser."""
        csrf = self.csrf_token if self.session is not None else ""
        answer = await self.api.call(self.request, method, path, csrf=csrf, form=form)
        self._set_cookies += answer.headers.getall("Set-Cookie", ())
        return answer

    def repeat_cookie(self, name: str, path: str) -> None:
        """A cookie that the API sets for a path of its own goes to the page at `path`, too."""
        for value in self._set_cookies:
            if value.startswith(f"{name}=") and _PATH.search(value):
                self._set_cookies.append(_PATH.sub(f"; Path={path}", value))
                return

    def set_cookie(self, name: str, value: str, path: str, seconds: int) -> None:
        """A cookie of our own for the pages below `path`."""
        secure = "; Secure" if scheme_of(self.request) == "https" else ""
        attributes = f"HttpOnly; Max-Age={seconds}; Path={path}; SameSite=Lax{secure}"
        self._set_cookies.append(f"{name}={value}; {attributes}")

    async def send(self, method: str, path: str, *names: str) -> ApiAnswer:
        """A change by the API with these fields of the form; absent ones are left out."""
        return await self.call(
            method, path, {name: self.text(name) for name in names if name in self.form}
        )

    def prefer_languages(self, tags: Sequence[str]) -> None:
        """Shows the page in one of these languages, unless the visitor has chosen another one."""
        self.language = self.renderer.languages.choose(self.request, tags)

    def lead_to(self, source: str) -> None:
        """Forms of this page may lead to an application, which may have opened it as a popup."""
        self.leads_to = source

    def load_pictures_from(self, origin: str) -> None:
        """This page may show pictures of another origin; of others, none are loaded."""
        if origin not in self._picture_sources:
            self._picture_sources.append(origin)

    def refuse(self, refusal: ApiRefusal) -> None:
        """The next page says why the API refused."""
        self.faults = sentences.of(self.language, refusal)
        # A form is shown again: 401 would ask for HTTP authentication.
        self.status = 422 if refusal.status == 401 else refusal.status

    def page(self, template: str, **values: Any) -> web.Response:
        """A page of `<feature>/<template>`."""
        text = self.renderer.render(
            self.language,
            template,
            {
                "visit": self,
                "csrf_token": self.csrf_token,
                "typed": kept(self.form),
                "faults": self.faults,
                "notice": ""
                if self.status >= 400
                else notices.of(self.request.query.get("done", "")),
                "member": self.member,
                "is_staff": self.is_staff,
                "here": self.request.path,
                "request_id": self.request[REQUEST_ID],
                **values,
            },
        )
        response = web.Response(text=text, content_type="text/html", status=self.status)
        return self.finish(response)

    def go(self, path: str, done: str = "", **query: str) -> web.Response:
        """Sends the browser to another page, which says what was `done`."""
        parameters = {**({"done": done} if done else {}), **query}
        location = f"{path}?{urlencode(parameters)}" if parameters else path
        return self.finish(web.Response(status=303, headers={"Location": location}))

    def finish(self, response: web.Response) -> web.Response:
        """The headers that every page has."""
        for value in self._set_cookies:
            response.headers.add("Set-Cookie", value)
        if self._form_cookie is not None:
            self._form_cookie.hand_over(response)
        pictures = " ".join(["img-src 'self' data:", *self._picture_sources])
        actions = f"form-action 'self' {self.leads_to}".rstrip()
        response.headers["Content-Security-Policy"] = f"{self.policy}; {pictures}; {actions}"
        # Forms tell their origin; addresses with tokens go to no other site.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        if not self.leads_to:  # else a page that opened this one could not be told the answer
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response


Handler = Callable[[Visit], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Eager:
    """A handler that shows a page, and calls the API while it is found out who the visitor is.

    Nothing of the visitor may be used before its first `get` or `recognized` has returned.
    """

    show: Handler

    def __call__(self, visit: Visit) -> Awaitable[web.StreamResponse]:
        return self.show(visit)
