"""No path escapes a rate, whether or not it has a route and whatever it costs."""

from pathlib import Path

import pytest

from authz_gateway.routing.route_table import DEFAULT_BURST
from tests.support.transport import NOWHERE, Raw, gateway, get

ROUTES = f"""
- {{prefix: /open, access: public, upstream: "{NOWHERE}"}}
- {{prefix: /shop, access: required, scope: shop, resource: true, upstream: "{NOWHERE}"}}
- {{prefix: /shut, access: blocked}}
"""
PREFLIGHT = get("/shop", "Origin: https://a.example", *["Access-Control-Request-Method: PUT"])
CALLS = {
    "documents": (get("/api/v2/barong/docs"), 200),
    "metadata": (get("/.well-known/oauth-protected-resource/shop"), 200),
    "no route": (get("/nowhere"), 404),
    "preflight": (PREFLIGHT.replace("GET", "OPTIONS", 1), 204),
    "unreadable": (get("/a/%2e%2e/b"), 400),
    "blocked": (get("/shut"), 401),
    "public route": (get("/open"), 502),
}
LABELS = {
    "documents": "/api/v2/barong/docs",
    "metadata": "/.well-known/oauth-protected-resource",
    "public route": "/open",
}
CALLS_AT_ONCE = 1000
"""They take far less than the eight seconds in which the rate allows so many."""


@pytest.mark.parametrize("kind", CALLS)
async def test_every_kind_of_call_has_a_rate(tmp_path: Path, kind: str) -> None:
    request, status = CALLS[kind]
    async with (
        gateway(tmp_path, ROUTES, settings={"BARONG_THROTTLING": "true"}) as made,
        Raw.to(made.public) as client,
    ):
        await client.send(request * CALLS_AT_ONCE)
        answers = [await client.answer() for _ in range(CALLS_AT_ONCE)]
        throttled = [body for got, _, body in answers if got == 429]
        assert {got for got, _, _ in answers} == {status, 429}
        assert {got for got, _, _ in answers[:DEFAULT_BURST]} == {status}
        assert set(throttled) == {b'{"errors": ["request.throttled"]}'}
        label = LABELS.get(kind, "undecided")
        counted = await made.metric(f'gateway_throttled_total{{route="{label}"}}')
        assert counted == len(throttled)
