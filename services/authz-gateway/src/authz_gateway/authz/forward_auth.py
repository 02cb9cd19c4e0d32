"""The call that a proxy carries itself, and asks about at the decision endpoint."""

import re
from typing import NamedTuple

from multidict import MultiMapping

from authz_gateway.routing.path import Target, target
from authz_gateway.routing.route_table import DECISION_PATH
from shared.errors import Malformed, Refusal
from shared.policy.paths import canonical

_METHOD = re.compile(r"[A-Z-]{1,32}")


class CarriedCall(NamedTuple):
    """What is decided about; `sent` is the target as the client sent it."""

    method: str
    target: Target
    sent: str


def carried_call(
    method: str, raw: str, asked: Target, headers: MultiMapping[str], *, trusted: bool
) -> CarriedCall:
    """The call that is asked about at `asked`, `raw` as received; raises `Malformed`.

    nginx and Envoy write the call's own target behind the endpoint's path. Traefik asks at the path
    alone, in a GET of its own, and tells of the call in headers; only a trusted proxy is believed.
    Behind the other two no call leads to the path alone (its target begins with a slash), so that
    nobody can have another call decided about than is carried.
    """
    below = asked.path.removeprefix(DECISION_PATH)
    if below or not trusted or "X-Forwarded-Uri" not in headers:
        sent = raw.removeprefix(DECISION_PATH)
        sent = sent if sent.startswith("/") else f"/{sent}"
        return CarriedCall(method, Target(canonical(below or "/"), asked.query, asked.raw), sent)
    uris = headers.getall("X-Forwarded-Uri")
    methods = headers.getall("X-Forwarded-Method", [])
    if len(uris) != 1 or len(methods) != 1 or not _METHOD.fullmatch(methods[0]):
        raise Malformed
    return CarriedCall(methods[0], target(uris[0]), uris[0])


def passed_lines(token: str | None) -> tuple[str, ...]:
    """Header lines for a call that may pass: what goes upstream in place of its credentials.

    Of a public path that is nothing; Envoy has to be told.
    """
    if token is None:
        return ("X-Envoy-Auth-Headers-To-Remove: authorization",)
    return (f"Authorization: Bearer {token}",)


def refused_lines(refusal: Refusal) -> tuple[str, ...]:
    """Header lines for a call that may not pass: nginx sees no body and tells the reason itself."""
    return (f"X-Auth-Reason: {refusal.codes[0]}",)
