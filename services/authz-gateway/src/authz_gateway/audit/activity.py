"""What a call is in the audit log."""

from authz_gateway.audit.parameters import TARGETS, Shown, data
from authz_gateway.authz.call import Call
from shared.contracts.activities import (
    MAX_DATA,
    MAX_USER_AGENT,
    MAX_WORD,
    Activity,
    Result,
    storable,
)

_ACTIONS = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
    "GET": "read",
    "HEAD": "read",
}
_MAX_DENIED_DATA = 2048  # anybody who may not call can make us keep that, as often as he likes


def activity_of(call: Call, uid: str, result: Result, topic: str | None, shown: Shown) -> Activity:
    """The activity of the user who makes the call; `shown` are its parameters, without secrets.

    Without a `topic` of its rule, it is that of its path. Where the body is not known, nobody knows
    whom the call concerns: the body would win over the query.
    """
    targets = (shown.given.get(name) for name in TARGETS if shown.body_known)
    target = next((value for value in targets if value and isinstance(value, str)), None)
    limit = _MAX_DENIED_DATA if result == "denied" else MAX_DATA
    return Activity(
        category="admin",
        uid=uid,
        user_ip=str(call.address),
        user_agent=storable(call.headers.get("User-Agent", ""), MAX_USER_AGENT),
        topic=storable(topic or topic_of(call.path), MAX_WORD),
        action=_ACTIONS.get(call.method, "system"),
        result=result,
        target_uid=storable(target, MAX_WORD) if target else None,
        data=storable(data(shown.given, call.path.lstrip("/"), limit), limit),
    )


def topic_of(path: str) -> str:
    """The segment after `admin`, or `general`."""
    _, _, below = f"{path}/".partition("/admin/")
    return below.partition("/")[0] or "general"
