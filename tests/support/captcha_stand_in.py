"""A stand-in for reCAPTCHA and GeeTest on localhost, and what their widgets do in a browser."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

SECRET_KEY = "the-secret-key"
GEETEST_ID, GEETEST_KEY = "the-geetest-id", "the-geetest-key"


@dataclass(slots=True)
class CaptchaStandIn:
    """Accepts whoever solved a captcha, once each; `broken` is how it fails instead."""

    url: str = ""
    broken: str = ""
    asked: int = 0
    solved: set[str] = field(default_factory=set)
    secret_key: str = SECRET_KEY
    geetest_id: str = GEETEST_ID

    def start_anew(self) -> None:
        """Forgets its calls, and every instruction of a test."""
        self.broken, self.asked = "", 0
        self.secret_key, self.geetest_id = SECRET_KEY, GEETEST_ID
        self.solved.clear()

    def token(self) -> str:
        """What reCAPTCHA's widget gives to somebody who solved its captcha."""
        token = secrets.token_urlsafe(400)
        self.solved.add(token)
        return token

    def parts(self, challenge: str, key: str = GEETEST_KEY) -> dict[str, str]:
        """What GeeTest's widget gives to somebody who solved the captcha of this challenge."""
        self.solved.add(challenge)
        validate = md5(f"{key}geetest{challenge}")
        return {
            "geetest_challenge": challenge,
            "geetest_validate": validate,
            "geetest_seccode": f"{validate}|jordan",
        }

    async def site_verify(self, request: web.Request) -> web.StreamResponse:
        """POST /recaptcha/api/siteverify."""
        form = await request.post()
        return await self._answer(self._verdict(str(form["secret"]), str(form["response"])))

    async def register(self, request: web.Request) -> web.StreamResponse:
        """GET /register.php."""
        known = request.query["gt"] == self.geetest_id
        return await self._answer({"challenge": secrets.token_hex(16) if known else "0"})

    async def validate(self, request: web.Request) -> web.StreamResponse:
        """POST /validate.php."""
        form = await request.post()
        challenge, known = str(form["challenge"]), form["captchaid"] == self.geetest_id
        passes = known and challenge in self.solved
        self.solved.discard(challenge)
        return await self._answer({"seccode": md5(str(form["seccode"])) if passes else "false"})

    def _verdict(self, secret: str, token: str) -> Mapping[str, Any]:
        if secret != self.secret_key:
            return {"success": False, "error-codes": ["invalid-input-secret"]}
        if token not in self.solved:
            return {"success": False, "error-codes": ["timeout-or-duplicate"]}
        self.solved.discard(token)
        return {"success": True, "hostname": "localhost"}

    async def _answer(self, body: Mapping[str, Any]) -> web.StreamResponse:
        self.asked += 1
        match self.broken:
            case "slow":
                await asyncio.sleep(10)
            case "error":
                return web.json_response({"success": True}, status=500)
            case "redirect":
                return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
            case "text":
                return web.Response(text="<html>success</html>")
            case "list":
                return web.json_response([True])
            case "empty":
                return web.json_response({})
        return web.json_response(body)


@asynccontextmanager
async def captcha_stand_in() -> AsyncIterator[CaptchaStandIn]:
    """A stand-in that listens."""
    made = CaptchaStandIn()
    app = web.Application()
    app.router.add_post("/recaptcha/api/siteverify", made.site_verify)
    app.router.add_get("/register.php", made.register)
    app.router.add_post("/validate.php", made.validate)
    async with TestServer(app, handler_cancellation=True) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
