"""Forward auth: another proxy forwards the original call, and asks the gateway for the decision."""

import re
from typing import NamedTuple

from multidict import MultiMapping

from authz_gateway.routing.path import Target, target
from authz_gateway.routing.route_table import DECISION_PATH
from shared.errors import Malformed, Refusal
from shared.policy.paths import canonical

_METHOD = re.compile(r"[A-Z-]{1,32}")


class OriginalCall(NamedTuple):
    """The call that the proxy forwards; `raw_target` is its target as the client sent it."""

    method: str
    target: Target
    raw_target: str


def original_call(
    method: str, raw: str, asked: Target, headers: MultiMapping[str], *, trusted: bool
) -> OriginalCall:
    """The original call of a request to the decision endpoint; raises `Malformed`.

    `asked` is the request's target, `raw` the same as received. nginx and Envoy append the original
    target to the endpoint's path. Traefik sends a GET to the endpoint's path itself, and the
    original call in X-Forwarded- headers, which count only from a trusted proxy. With nginx and
    Envoy no client can reach the path itself, because an original target begins with a slash. So no
    client can have another call decided than the one that is forwarded.
    """
    below = asked.path.removeprefix(DECISION_PATH)
    if below or not trusted or "X-Forwarded-Uri" not in headers:
        raw_target = raw.removeprefix(DECISION_PATH)
        if not raw_target.startswith("/"):
            raw_target = f"/{raw_target}"
        canonical_target = Target(canonical(below or "/"), asked.query, asked.raw)
        return OriginalCall(method, canonical_target, raw_target)
    uris = headers.getall("X-Forwarded-Uri")
    methods = headers.getall("X-Forwarded-Method", [])
    if len(uris) != 1 or len(methods) != 1 or not _METHOD.fullmatch(methods[0]):
        raise Malformed
    return OriginalCall(methods[0], target(uris[0]), uris[0])


def allowed_lines(token: str | None) -> tuple[str, ...]:
    """Header lines for an allowed call: the credentials that the proxy sends upstream instead.

    On a public route there are none, and Envoy is told to remove the client's Authorization.
    """
    if token is None:
        return ("X-Envoy-Auth-Headers-To-Remove: authorization",)
    return (f"Authorization: Bearer {token}",)


def denied_lines(refusal: Refusal) -> tuple[str, ...]:
    """Header lines for a refused call: nginx ignores the body, and reads the reason here."""
    return (f"X-Auth-Reason: {refusal.codes[0]}",)
