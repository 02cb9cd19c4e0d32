"""Publishes audits before a call is forwarded or answered: to the broker, or to admin-svc."""

from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.audit.activity import activity_of
from authz_gateway.audit.body import LargeBodies, body_of, headers_of, limit_of, may_be_withheld
from authz_gateway.audit.parameters import CallParameters, parameters
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.authn.call import Call
from shared.clients.admin import AdminClient
from shared.contracts.activities import Activity
from shared.errors import Refusal, TooLarge, Unavailable
from shared.web.bodies import MAX_BODY_BYTES, require_identity

log = structlog.get_logger()

_WITHHELD = "not shown"
_MAX_DENIED_BODY_BYTES = 64 * 1024  # any user can send one, and it has no effect


def audit_counter(registry: CollectorRegistry) -> Counter:
    """Counts audits by result and by where they were stored: `queue`, `admin-svc` or `nowhere`."""
    counter = Counter("gateway_audits", "Calls audited.", ("result", "kept"), registry=registry)
    for result in ("succeed", "denied"):
        for kept in ("queue", "admin-svc", "nowhere"):
            counter.labels(result, kept)  # exported as 0 from the start, to be watched
    return counter


@dataclass(frozen=True, slots=True)
class AuditPublisher:
    """Publishes audits to the broker, from which admin-svc takes them.

    While the broker is down, audits are sent to admin-svc.
    """

    queue: AuditQueue
    admin: AdminClient
    counter: Counter = field(repr=False)
    large: LargeBodies = field(default_factory=LargeBodies)

    async def record_allowed(self, call: Call, uid: str, topic: str | None) -> None:
        """Records an allowed call.

        Raises `Unavailable` when the audit cannot be stored, and another `Refusal` when query or
        body are malformed or too large: no call is allowed that cannot be recorded completely.
        """
        call_parameters = await self._read_parameters(call, uid)
        await self._publish(activity_of(call, uid, "succeed", topic, call_parameters))

    async def record_denied(self, call: Call, uid: str, topic: str | None) -> None:
        """Records a denied call. When that fails, logs it and raises nothing."""
        activity = activity_of(call, uid, "denied", topic, await _read_parameters_if_possible(call))
        try:
            await self._publish(activity)
        except Unavailable:
            log.error("denial_not_kept", **_log_fields(activity))

    async def _read_parameters(self, call: Call, uid: str) -> CallParameters:
        headers = headers_of(call)
        limit = limit_of(call, headers)
        if limit > MAX_BODY_BYTES and await call.body(MAX_BODY_BYTES) is None:
            async with self.large.slot(uid):
                return await parameters(call.query, await body_of(call, limit), headers, limit)
        body = await body_of(call, min(limit, MAX_BODY_BYTES))
        call_parameters = await parameters(call.query, body, headers, limit)
        if not may_be_withheld(call, body):
            return call_parameters
        require_identity(headers)
        return call_parameters.without_body(_WITHHELD)

    async def _publish(self, activity: Activity) -> None:
        kept = "queue"
        try:
            try:
                await self.queue.publish(activity)
            except Unavailable:
                kept = "admin-svc"
                await self.admin.record(activity)
        except Refusal:
            kept = "nowhere"
            raise Unavailable("audit") from None
        finally:
            self.counter.labels(activity.result, kept).inc()


async def _read_parameters_if_possible(call: Call) -> CallParameters:
    """The readable parameters: a malformed body must not prevent the record of a denied call."""
    headers = headers_of(call)
    try:
        call_parameters = await parameters(call.query, b"", headers, 0)
    except Refusal:
        call_parameters = CallParameters({"query": "unreadable"})
    try:
        body = await body_of(call, _MAX_DENIED_BODY_BYTES)
        if body:
            call_parameters = await parameters(call.query, body, headers, _MAX_DENIED_BODY_BYTES)
    except TooLarge:
        return call_parameters.without_body("too large")
    except Refusal:
        return call_parameters.without_body("unreadable")
    return (
        call_parameters.without_body(_WITHHELD) if may_be_withheld(call, body) else call_parameters
    )


def _log_fields(activity: Activity) -> dict[str, str]:
    """The fields of an activity that may be logged."""
    return {"uid": activity.uid, "topic": activity.topic, "action": activity.action}
