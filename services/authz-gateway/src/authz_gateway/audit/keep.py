"""Keeps audits, by one way or another, before a call is let pass or answered."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.audit.activity import NOT_SHOWN, activity_of
from authz_gateway.audit.parameters import parameters
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.audit.shown_body import LargeBodies, body_of, headers_of, is_hidden, limit_of
from authz_gateway.authz.call import Call
from shared.clients.admin import AdminClient
from shared.contracts.activities import Activity
from shared.errors import Refusal, TooLarge, Unavailable
from shared.web.bodies import MAX_BODY_BYTES, require_identity

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
    large: LargeBodies = field(default_factory=LargeBodies)

    async def passed(self, call: Call, uid: str, topic: str | None) -> None:
        """Notes that the call is let pass.

        Raises `Unavailable` where nobody can keep that, and another `Refusal` where query or body
        cannot be read or are too large: nothing passes of which the log could not tell what it was.
        """
        given = await self._parameters(call, uid)
        await self._keep(activity_of(call, uid, "succeed", topic, given))

    async def denied(self, call: Call, uid: str, topic: str | None) -> None:
        """Notes that the call is refused, which it is though nobody can keep that."""
        given = await _parameters_if_any(call)
        activity = activity_of(call, uid, "denied", topic, given)
        try:
            await self._keep(activity)
        except Unavailable:
            log.error("denial_not_kept", **_told(activity))

    async def _parameters(self, call: Call, uid: str) -> dict[str, Any]:
        headers = headers_of(call)
        limit = limit_of(call, headers)
        if limit > MAX_BODY_BYTES and await call.body(MAX_BODY_BYTES) is None:
            with self.large.turn(uid):
                return await parameters(call.query, await body_of(call, limit), headers, limit)
        body = await body_of(call, min(limit, MAX_BODY_BYTES))
        given = await parameters(call.query, body, headers, limit)
        if is_hidden(call, body):
            require_identity(headers)
            given |= {"body": NOT_SHOWN}
        return given

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
    """As far as they can be read: a body that cannot is no way around the refusal."""
    try:
        given = await parameters(call.query, b"", headers_of(call), 0)
    except Refusal:
        given = {"query": "unreadable"}
    try:
        body = await body_of(call, _MAX_DENIED_BODY_BYTES)
        given = await parameters(call.query, body, headers_of(call), _MAX_DENIED_BODY_BYTES)
        hidden = is_hidden(call, body)
    except TooLarge:
        return given | {"body": "too large"}
    except Refusal:
        return given | {"body": "unreadable"}
    return given | ({"body": NOT_SHOWN} if hidden else {})


def _told(activity: Activity) -> dict[str, str]:
    """What a log may say of it."""
    return {"uid": activity.uid, "topic": activity.topic, "action": activity.action}
