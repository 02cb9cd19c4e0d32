"""Keeps audits, by one way or another, before a call is let pass or answered."""

from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.audit.activity import activity_of
from authz_gateway.audit.parameters import Shown, parameters
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.audit.shown_body import LargeBodies, body_of, headers_of, is_hidden, limit_of
from authz_gateway.authz.call import Call
from shared.clients.admin import AdminClient
from shared.contracts.activities import Activity
from shared.errors import Refusal, TooLarge, Unavailable
from shared.web.bodies import MAX_BODY_BYTES, require_identity

log = structlog.get_logger()

_NOT_SHOWN = "not shown"
_MAX_DENIED_BODY_BYTES = 64 * 1024  # nothing is done by it, and anybody may send it


def audit_counter(registry: CollectorRegistry) -> Counter:
    """Audits by what they tell, and by where they went: `queue`, `admin-svc` or `nowhere`."""
    counter = Counter("gateway_audits", "Calls audited.", ("result", "kept"), registry=registry)
    for result in ("succeed", "denied"):
        for kept in ("queue", "admin-svc", "nowhere"):
            counter.labels(result, kept)  # from the start: the first must be seen as an increase
    return counter


@dataclass(frozen=True, slots=True)
class PublishAudits:
    """The broker keeps them until admin-svc takes them; while it is away, admin-svc is asked."""

    queue: AuditQueue
    admin: AdminClient
    counter: Counter = field(repr=False)
    large: LargeBodies = field(default_factory=LargeBodies)

    async def record_allowed(self, call: Call, uid: str, topic: str | None) -> None:
        """Notes that the call is let pass.

        Raises `Unavailable` where nobody can keep that, and another `Refusal` where query or body
        cannot be read or are too large: nothing passes of which the log could not tell what it was.
        """
        shown = await self._shown(call, uid)
        await self._keep(activity_of(call, uid, "succeed", topic, shown))

    async def record_denied(self, call: Call, uid: str, topic: str | None) -> None:
        """Notes that the call is refused, which it is though nobody can keep that."""
        activity = activity_of(call, uid, "denied", topic, await _shown_if_any(call))
        try:
            await self._keep(activity)
        except Unavailable:
            log.error("denial_not_kept", **_told(activity))

    async def _shown(self, call: Call, uid: str) -> Shown:
        headers = headers_of(call)
        limit = limit_of(call, headers)
        if limit > MAX_BODY_BYTES and await call.body(MAX_BODY_BYTES) is None:
            async with self.large.turn(uid):
                return await parameters(call.query, await body_of(call, limit), headers, limit)
        body = await body_of(call, min(limit, MAX_BODY_BYTES))
        shown = await parameters(call.query, body, headers, limit)
        if not is_hidden(call, body):
            return shown
        require_identity(headers)
        return shown.without_body(_NOT_SHOWN)

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


async def _shown_if_any(call: Call) -> Shown:
    """As far as they can be read: a body that cannot is no way around the refusal."""
    headers = headers_of(call)
    try:
        shown = await parameters(call.query, b"", headers, 0)
    except Refusal:
        shown = Shown({"query": "unreadable"})
    try:
        body = await body_of(call, _MAX_DENIED_BODY_BYTES)
        if body:
            shown = await parameters(call.query, body, headers, _MAX_DENIED_BODY_BYTES)
    except TooLarge:
        return shown.without_body("too large")
    except Refusal:
        return shown.without_body("unreadable")
    return shown.without_body(_NOT_SHOWN) if is_hidden(call, body) else shown


def _told(activity: Activity) -> dict[str, str]:
    """What a log may say of it."""
    return {"uid": activity.uid, "topic": activity.topic, "action": activity.action}
