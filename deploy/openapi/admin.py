"""How the operations of admin-svc answer."""

from deploy.openapi.headers import AS_FILE_TOO, BY_CURSOR_TOO, BY_PAGE
from deploy.openapi.operation import Operation, Operations
from deploy.openapi.schemas import INTEGER, TEXT, Schema, by_key, ref, several

_USERS = several({"anyOf": [ref("UserWithKYC"), ref("UserWithProfile"), ref("User")]})
_FILES: dict[str, Schema] = {"text/csv": TEXT, "application/x-ndjson": TEXT}

OPERATIONS: Operations = {
    "GET /admin/levels": Operation(
        summary="The configured levels", status=200, answer=several(ref("Level")), refusals=(401,)
    ),
    "GET /admin/permissions": Operation(
        summary="All permissions",
        status=200,
        answer=several(ref("Permission")),
        refusals=(401, 422),
        headers=BY_PAGE,
    ),
    "GET /admin/permissions/check": Operation(
        summary="What permissions decide about a call, tried out",
        status=200,
        answer=ref("PermissionCheck"),
        refusals=(401, 422),
        note="`rules`, a JSON list of permissions, stands in for the table.",
        ours=True,
    ),
    "POST /admin/permissions": Operation(
        summary="Add a permission",
        status=201,
        answer=ref("Permission"),
        refusals=(401, 422),
        note="Acts on every gateway within a second.",
    ),
    "PUT /admin/permissions": Operation(
        summary="Change a permission",
        status=200,
        answer=ref("Permission"),
        refusals=(401, 404, 422),
    ),
    "DELETE /admin/permissions": Operation(
        summary="Remove a permission", status=204, refusals=(401, 404, 422)
    ),
    "GET /admin/restrictions": Operation(
        summary="All restrictions",
        status=200,
        answer=several(ref("Restriction")),
        refusals=(401, 422),
        headers=BY_PAGE,
    ),
    "POST /admin/restrictions": Operation(
        summary="Add a restriction",
        status=201,
        answer=ref("Restriction"),
        refusals=(401, 422),
        note="Acts on every gateway within a second.",
    ),
    "PUT /admin/restrictions": Operation(
        summary="Change a restriction",
        status=200,
        answer=ref("Restriction"),
        refusals=(401, 404, 422),
    ),
    "DELETE /admin/restrictions": Operation(
        summary="Remove a restriction", status=204, refusals=(401, 404, 422)
    ),
    "POST /admin/restrictions/whitelink": Operation(
        summary="Make a link that lets an address in",
        status=201,
        answer=ref("Whitelink"),
        refusals=(401, 422),
    ),
    "GET /admin/metrics": Operation(
        summary="What happened on each day of a period",
        status=200,
        answer=ref("Metrics"),
        refusals=(401, 422),
    ),
    "GET /admin/activities": Operation(
        summary="What users did",
        status=200,
        answer=several(ref("Activity")),
        refusals=(401, 422),
        other_types=_FILES,
        headers=AS_FILE_TOO,
        note="`format`, or `Accept`, gets all that is found as a file.",
    ),
    "GET /admin/activities/admin": Operation(
        summary="What administrators did",
        status=200,
        answer=several(ref("AdminActivity")),
        refusals=(401, 422),
        other_types=_FILES,
        headers=AS_FILE_TOO,
        note="`format`, or `Accept`, gets all that is found as a file.",
    ),
    "GET /admin/api_keys": Operation(
        summary="A user's API keys",
        status=200,
        answer=several(ref("APIKey")),
        refusals=(401, 404, 422),
        headers=BY_PAGE,
    ),
    "GET /admin/profiles": Operation(
        summary="All profiles",
        status=200,
        answer=several(ref("Profile")),
        refusals=(401, 422),
        headers=BY_PAGE,
    ),
    "PUT /admin/profiles": Operation(
        summary="Change a user's profile, or judge it",
        status=200,
        answer=ref("Profile"),
        refusals=(400, 401, 404, 422),
    ),
    "GET /admin/users": Operation(
        summary="Users",
        status=200,
        answer=_USERS,
        refusals=(401, 422),
        headers=BY_CURSOR_TOO,
        note="`extended` shows them with their profiles.",
    ),
    "GET /admin/users/{uid}": Operation(
        summary="A user with everything that they are judged by",
        status=200,
        answer=ref("UserWithKYC"),
        refusals=(401, 404, 422),
    ),
    "GET /admin/users/documents/pending": Operation(
        summary="Users whose documents wait to be judged",
        status=200,
        answer=_USERS,
        refusals=(401, 422),
        headers=BY_CURSOR_TOO,
    ),
    "PUT /admin/users": Operation(
        summary="Set a user's state, or turn off their second factor",
        status=200,
        answer=ref("User"),
        refusals=(401, 404, 422),
    ),
    "POST /admin/users/update": Operation(
        summary="Set a user's state, or turn off their second factor",
        status=201,
        answer=ref("User"),
        refusals=(401, 404, 422),
    ),
    "POST /admin/users/role": Operation(
        summary="Give a user another role",
        status=201,
        answer=ref("User"),
        refusals=(401, 404, 422),
    ),
    "GET /admin/users/labels": Operation(
        summary="Users who have a label",
        status=200,
        answer=several(ref("User")),
        refusals=(401, 422),
        note="Private labels, or with `scope` those that are `public`: the users' own words.",
        headers=BY_CURSOR_TOO,
    ),
    "POST /admin/users/labels": Operation(
        summary="Give a user a label",
        status=201,
        answer=ref("ChangedLabel"),
        refusals=(401, 404, 422),
    ),
    "PUT /admin/users/labels": Operation(
        summary="Change a user's label",
        status=200,
        answer=ref("ChangedLabel"),
        refusals=(400, 401, 404, 422),
    ),
    "POST /admin/users/labels/update": Operation(
        summary="Change a user's label",
        status=201,
        answer=ref("ChangedLabel"),
        refusals=(400, 401, 404, 422),
    ),
    "DELETE /admin/users/labels": Operation(
        summary="Take a label from a user", status=204, refusals=(401, 404, 422)
    ),
    "GET /admin/users/labels/list": Operation(
        summary="How many users have each label",
        status=200,
        answer=by_key(INTEGER, 'By key and value, as `["email", "verified"]`.'),
        refusals=(401, 422),
        note="Private labels, or with `scope` those that are `public`.",
    ),
    "DELETE /admin/users/data_storage": Operation(
        summary="Delete what a user keeps under a title", status=204, refusals=(401, 404, 422)
    ),
}
