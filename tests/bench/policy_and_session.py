"""Stands in for the other services: a session for each cookie, any API key, one policy.

Arguments: PORT USER_AGENT.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from aiohttp import web

from shared.contracts.policy import Permission, Policy, Restriction
from tests.bench.traffic import API_SECRET
from tests.unit.gateway.builders import a_key, a_session, a_user, an_owner

PERMISSIONS = 150
RESTRICTIONS = 1000
PATH = "demo"


def policy() -> Policy:
    """Members may call `PATH`, and 149 other places; a thousand addresses are kept out."""
    others = (f"api/v2/service{number}" for number in range(PERMISSIONS - 1))
    return Policy(
        1,
        tuple(Permission("member", "ALL", path, "ACCEPT", None) for path in (*others, PATH)),
        tuple(
            Restriction("blacklist", "ip", f"10.0.{number // 250}.{number % 250}", 401)
            for number in range(RESTRICTIONS)
        ),
    )


async def serve(port: int, user_agent: str) -> None:
    """Answers until it is killed."""
    body = policy().to_internal()

    async def tell_policy(request: web.Request) -> web.Response:
        return web.Response(status=204) if "known" in request.query else web.json_response(body)

    async def resolve(request: web.Request) -> web.Response:
        key = (await request.json())["key"]
        now = datetime.now(UTC)
        session = a_session(
            sid=key[:16],
            user=a_user(uid=f"ID{key[:10].upper()}"),
            user_agent=user_agent,
            network="127.0.0.0/16",
            token="x" * 600,
            expires_at=now + timedelta(minutes=30),
            token_expires_at=now + timedelta(minutes=1),
        )
        return web.json_response(session.to_internal())

    async def api_key(request: web.Request) -> web.Response:
        key = a_key(kid=request.match_info["kid"], secret=API_SECRET)
        return web.json_response(key.to_internal())

    async def token(request: web.Request) -> web.Response:
        owner = an_owner(uid=request.match_info["uid"])
        return web.json_response(owner.to_internal())

    async def use_nonces(request: web.Request) -> web.Response:
        asked = (await request.json())["nonces"]
        return web.json_response({"fresh": [True] * len(asked)})

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    app = web.Application()
    app.router.add_get("/policy", tell_policy)
    app.router.add_post("/sessions/resolve", resolve)
    app.router.add_get("/api_keys/{kid}", api_key)
    app.router.add_post("/users/{uid}/token", token)
    app.router.add_post("/nonces/use", use_nonces)
    app.router.add_get("/.well-known/jwks.json", keys)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
