"""How the operations of identity-svc answer."""

from deploy.openapi.operation import Operation, Operations
from deploy.openapi.schemas import ref

OPERATIONS: Operations = {
    "GET /.well-known/jwks.json": Operation(
        summary="The public keys under which tokens and events verify",
        status=200,
        answer=ref("KeySet"),
        ours=True,
    ),
    "POST /identity/users": Operation(
        summary="Sign up",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 422),
        note="Opens a session; a confirmation goes to the address by mail.",
    ),
    "POST /identity/users/email/generate_code": Operation(
        summary="Mail another confirmation",
        status=201,
        refusals=(400, 401, 422),
        note="Answers alike whether or not the address is known.",
    ),
    "POST /identity/users/email/confirm_code": Operation(
        summary="Confirm an address with the token that was mailed",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 422),
        note="Opens a session.",
    ),
    "POST /identity/users/password/generate_code": Operation(
        summary="Mail a token with which a forgotten password is replaced",
        status=201,
        refusals=(400, 404, 422),
        note="Answers alike whether or not the address is known.",
    ),
    "POST /identity/users/password/confirm_code": Operation(
        summary="Replace a forgotten password",
        status=201,
        refusals=(400, 404, 422),
        note="Ends all sessions of the user.",
    ),
    "POST /identity/password/validate": Operation(
        summary="Tell how strong a password is",
        status=201,
        answer=ref("Entropy"),
        refusals=(422,),
    ),
    "GET /identity/users/register_geetest": Operation(
        summary="Begin a GeeTest challenge",
        status=200,
        answer={"type": "object", "description": "What GeeTest's widget wants, unchanged."},
        refusals=(404,),
    ),
    "POST /identity/users/access": Operation(
        summary="Let one's own address in, with a whitelink", status=201, refusals=(400, 422)
    ),
    "POST /identity/sessions": Operation(
        summary="Log in",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 401, 403, 404, 422, 429),
        note="Sets the session cookie; the header `Authorization` carries a bearer token, for "
        "clients that keep no cookies.",
    ),
    "GET /identity/sessions": Operation(
        summary="The current session, and its CSRF token",
        status=200,
        answer=ref("CurrentSession"),
        refusals=(401, 404),
        note="For a second tab, which did not see the log-in.",
        ours=True,
    ),
    "DELETE /identity/sessions": Operation(summary="Log out", status=204, refusals=(400, 404)),
    "GET /identity/configs": Operation(
        summary="What front ends have to know", status=200, answer=ref("Configs")
    ),
    "GET /identity/version": Operation(
        summary="Which build answers", status=200, answer=ref("Version")
    ),
    "GET /identity/time": Operation(summary="The server's time", status=200, answer=ref("Time")),
    "GET /identity/ping": Operation(summary="Is somebody there?", status=200, answer=ref("Ping")),
}
