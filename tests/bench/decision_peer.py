"""What others would write: an aiohttp server that decides from memory, and logs nothing: PORT.

It does what the gateway does for a session cookie, as simply as that can be done; it has no way to
learn that anything changed.
"""

import asyncio
import re
import sys
import time
from functools import lru_cache

import uvloop
from aiohttp import web

from tests.bench.policy_and_session import policy
from tests.bench.traffic import USER_AGENT

COOKIE = "_barong_session"
SESSIONS = {"x" * 32: ("member", USER_AGENT, "csrf", time.time() + 3600, "Bearer " + "x" * 600)}
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,=:@-]+)+/?")
_POLICY = policy()
_KEPT_OUT = {row.value for row in _POLICY.restrictions}


@lru_cache(maxsize=65_536)
def allowed(role: str, verb: str, path: str) -> bool:
    """Whether the rules that match let a call pass."""
    actions = {
        rule.action
        for rule in _POLICY.permissions
        if rule.role == role
        and rule.verb in ("ALL", verb)
        and (path == rule.path or path.startswith(f"{rule.path}/"))
    }
    return "ACCEPT" in actions and "DROP" not in actions


async def decide(request: web.Request) -> web.Response:
    """200 and the token for upstreams, or 401."""
    path = request.raw_path.partition("?")[0]
    session = SESSIONS.get(request.cookies.get(COOKIE, ""))
    if session is None or not _PATH.fullmatch(path) or request.remote in _KEPT_OUT:
        return web.Response(status=401)
    role, user_agent, csrf, expires, token = session
    if request.method not in ("GET", "HEAD") and request.headers.get("X-CSRF-Token") != csrf:
        return web.Response(status=401)
    if request.headers.get("User-Agent") != user_agent or time.time() > expires:
        return web.Response(status=401)
    if not allowed(role, request.method, path[1:]):
        return web.Response(status=401)
    return web.Response(headers={"Authorization": token})


async def serve(port: int) -> None:
    """Answers until it is killed."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", decide)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
