"""Who is let in at each internal route: the services that call it, and nobody else."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from admin_svc.routes import INTERNAL as AT_ADMIN
from identity_svc.routes import INTERNAL as AT_IDENTITY
from oauth_svc.routes import INTERNAL as AT_OAUTH
from resource_svc.routes import INTERNAL as AT_RESOURCE
from shared.contracts.services import ADMIN, GATEWAY, IDENTITY, MAILER, OAUTH, RESOURCE, WEBHOOKS
from shared.crypto.key_ring import KeyRing
from shared.tokens.service import ServiceTokens
from shared.web.routes import Route
from tests.support.system import KEY, Installation
from webhooks_svc.routes import INTERNAL as AT_WEBHOOKS

EVERYONE = (IDENTITY, RESOURCE, ADMIN, GATEWAY, MAILER, WEBHOOKS, OAUTH)
NOBODY = "00000000-0000-4000-8000-000000000000"
"""No user, session, key or label; also a UUID, which sessions want."""

ARCHIVE: Mapping[str, tuple[str, ...]] = {
    "POST /events/search": (ADMIN,),
    "POST /events/replays": (ADMIN,),
    "GET /events/replays": (ADMIN,),
    "DELETE /events/replays/{id}": (ADMIN,),
}
CALLERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "identity": {
        "GET /.well-known/jwks.json": EVERYONE,
        "POST /events/sign": (RESOURCE, ADMIN, WEBHOOKS, OAUTH),
        "POST /tokens/sign": (OAUTH,),
        "POST /sessions": (OAUTH,),
        "POST /sessions/resolve": (GATEWAY, OAUTH),
        "DELETE /sessions/{sid}": (GATEWAY, OAUTH),
        "GET /users/{uid}/sessions": (RESOURCE, ADMIN),
        "DELETE /users/{uid}/sessions": (ADMIN,),
        "GET /users/{uid}/linked_accounts": (RESOURCE,),
        "GET /users/{uid}/passkeys": (RESOURCE,),
        "GET /users/{uid}/recovery_codes": (RESOURCE,),
        "GET /users/{uid}/trusted_devices": (RESOURCE,),
        "DELETE /users/{uid}/sessions/{sid}": (RESOURCE,),
        "POST /users/{uid}/password/verify": (RESOURCE,),
        "PUT /users/{uid}/password": (RESOURCE,),
        "POST /users/{uid}/otp": (RESOURCE,),
        "POST /users/{uid}/otp/enable": (RESOURCE,),
        "POST /users/{uid}/otp/verify": (RESOURCE,),
        "POST /users/{uid}/otp/disable": (RESOURCE,),
        "DELETE /users/{uid}/otp": (ADMIN,),
        "POST /users/{uid}/subject": (RESOURCE,),
        "POST /users/{uid}/successor": (RESOURCE,),
        "PUT /users/{uid}/role": (ADMIN,),
        "PUT /users/{uid}/email": (ADMIN,),
        "PUT /users/{uid}/state": (ADMIN,),
        "GET /users": (ADMIN,),
        "GET /users/{uid}": (RESOURCE, ADMIN, OAUTH),
        "PUT /users/{uid}/data": (RESOURCE,),
        "POST /users/{uid}/token": (GATEWAY,),
        "PUT /users/{uid}/labels": (RESOURCE,),
        **ARCHIVE,
    },
    "resource": {
        "PUT /users": (IDENTITY,),
        "PUT /users/{uid}": (ADMIN,),
        "PUT /users/{uid}/labels/{key}": (IDENTITY,),
        "POST /subjects/{uid}/labels": (ADMIN,),
        "PUT /subjects/{uid}/labels": (ADMIN,),
        "DELETE /subjects/{uid}/labels": (ADMIN,),
        "PUT /subjects/{uid}/profile": (ADMIN,),
        "DELETE /subjects/{uid}/data_storages": (ADMIN,),
        "GET /users/{uid}/api_keys": (ADMIN,),
        "DELETE /users/{uid}/api_keys": (IDENTITY,),
        "GET /api_keys/{kid}": (GATEWAY,),
        "POST /attachments": (ADMIN, OAUTH),
        "POST /uploads/links": (ADMIN,),
        "POST /nonces/use": (GATEWAY,),
        **ARCHIVE,
    },
    "admin": {
        "POST /activities": (GATEWAY,),
        "GET /users/{uid}/activities": (RESOURCE,),
        "GET /users/{uid}/activities/{category}": (RESOURCE,),
        "GET /policy": (GATEWAY,),
        "POST /whitelinks/use": (IDENTITY,),
    },
    "webhooks": {**ARCHIVE},
    "oauth": {"GET /grants/{id}": (GATEWAY,), **ARCHIVE},
}
ROUTES: Mapping[str, tuple[Route[Any], ...]] = {
    "identity": AT_IDENTITY,
    "resource": AT_RESOURCE,
    "admin": AT_ADMIN,
    "webhooks": AT_WEBHOOKS,
    "oauth": AT_OAUTH,
}
NAMES = {
    "identity": IDENTITY,
    "resource": RESOURCE,
    "admin": ADMIN,
    "webhooks": WEBHOOKS,
    "oauth": OAUTH,
}


@pytest.mark.parametrize("service", CALLERS)
def test_every_internal_route_is_known_here(service: str) -> None:
    served = [f"{route.method} {route.path}" for route in ROUTES[service]]
    assert sorted(served) == sorted(CALLERS[service])


@pytest.mark.parametrize(
    ("service", "route", "callers"),
    [
        pytest.param(service, route, callers, id=f"{service}: {route}")
        for service, routes in CALLERS.items()
        for route, callers in routes.items()
    ],
)
async def test_who_calls_an_internal_route_is_let_in_and_nobody_else(
    system: Installation, service: str, route: str, callers: tuple[str, ...]
) -> None:
    verb, path = route.split()
    path = path.format_map(dict.fromkeys(("uid", "sid", "key", "kid", "category", "id"), NOBODY))
    ring, other_ring = KeyRing.parse(KEY), KeyRing.parse(KEY.replace("test:", "other:"))
    tokens = {
        **{caller: ServiceTokens(caller, ring).issue(NAMES[service]) for caller in EVERYONE},
        "no service at all": ServiceTokens("elsewhere", ring).issue(NAMES[service]),
        "for another service": ServiceTokens(callers[0], ring).issue(MAILER),
        "under another key": ServiceTokens(callers[0], other_ring).issue(NAMES[service]),
        "without a token": None,
    }
    let_in = set()
    async with aiohttp.ClientSession(system.internal_url(service)) as http:
        for caller, token in tokens.items():
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with http.request(verb, path, json={}, headers=headers) as answer:
                assert answer.status < 500
                if answer.status not in (401, 403):
                    let_in.add(caller)
    assert let_in == (set(tokens) if callers == EVERYONE else set(callers))
