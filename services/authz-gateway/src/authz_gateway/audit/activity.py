"""Makes the activity that the audit log stores of a call."""

from authz_gateway.audit.parameters import TARGETS, CallParameters, data
from authz_gateway.authn.call import Call
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
_MAX_DENIED_DATA = 2048  # any user can cause denied calls, and all of them are stored


def activity_of(
    call: Call, uid: str, result: Result, topic: str | None, call_parameters: CallParameters
) -> Activity:
    """The activity of user `uid`; `call_parameters` are without secrets.

    `topic`: that of the permission; None: taken from the path. When the body is unknown, so is the
    target, because a parameter of the body would override that of the query.
    """
    targets = (call_parameters.values.get(name) for name in TARGETS if call_parameters.body_known)
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
        data=storable(data(call_parameters.values, call.path.lstrip("/"), limit), limit),
    )


def topic_of(path: str) -> str:
    """The path segment after `admin`, or `general`."""
    _, _, below = f"{path}/".partition("/admin/")
    return below.partition("/")[0] or "general"
