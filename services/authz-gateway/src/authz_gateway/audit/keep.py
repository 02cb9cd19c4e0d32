"""Keeps audits, by one way or another, before a call is let pass or answered."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.audit.activity import activity_of
from authz_gateway.audit.parameters import parameters
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.authz.call import Call
from shared.clients.admin import AdminClient
from shared.contracts.activities import Activity
from shared.errors import Refusal, Unavailable
from shared.web.bodies import MAX_BODY_BYTES

log = structlog.get_logger()

_MAX_DENIED_BODY_BYTES = 64 * 1024  # nothing is done by it, and anybody may send it


def audit_counter(registry: CollectorRegistry) -> Counter:
    """Audits by what they tell, and by where they went: `queue`, `admin-svc` or `nowhere`."""
    counter = Counter("gateway_audits", "Calls audited.", ("result", "kept"), registry=registry)
    for result in ("succeed", "denied"):
        for kept in ("queue", "admin-svc", "nowhere"):
            counter.labels(result, kept)  # from the start: the first must be seen as an increase
    return counter


@dataclass(frozen=True, slots=True)
class KeepAudits:
    """The broker keeps them until admin-svc takes them; while it is away, admin-svc is asked."""

    queue: AuditQueue
    admin: AdminClient
    counter: Counter = field(repr=False)

    async def passed(self, call: Call, uid: str, topic: str | None) -> None:
        """Notes that the call is let pass; raises `Unavailable` where nobody can keep that."""
        given = parameters(call.query, await call.body(MAX_BODY_BYTES), _headers(call))
        await self._keep(activity_of(call, uid, "succeed", topic, given))

    async def denied(self, call: Call, uid: str, topic: str | None) -> None:
        """Notes that the call is refused, which it is though nobody can keep that."""
        activity = activity_of(call, uid, "denied", topic, await _parameters_if_any(call))
        try:
            await self._keep(activity)
        except Unavailable:
            log.error("denial_not_kept", **_told(activity))

    async def _keep(self, activity: Activity) -> None:
        kept = "queue"
        try:
            try:
                await self.queue.put(activity)
            except Unavailable:
                kept = "admin-svc"
                await self.admin.record(activity)
        except Refusal:
            kept = "nowhere"
            raise Unavailable("audit") from None
        finally:
            self.counter.labels(activity.result, kept).inc()


async def _parameters_if_any(call: Call) -> dict[str, Any]:
    try:
        body = await call.body(_MAX_DENIED_BODY_BYTES)
    except Refusal:  # the client does not send it: that is no way around the refusal
        body = b""
    return parameters(call.query, body, _headers(call), _MAX_DENIED_BODY_BYTES)


def _headers(call: Call) -> dict[str, str]:
    encodings = call.headers.getall("Content-Encoding", [""])
    return {
        "Content-Type": call.headers.get("Content-Type", ""),
        "Content-Encoding": encodings[-1],  # of several, our own services heed the last
    }


def _told(activity: Activity) -> dict[str, str]:
    """What a log may say of it."""
    return {"uid": activity.uid, "topic": activity.topic, "action": activity.action}
