"""How the operations of resource-svc answer."""

from deploy.openapi.headers import BY_PAGE, BY_PAGE_UNCOUNTED
from deploy.openapi.operation import Operation, Operations
from deploy.openapi.schemas import Schema, ref, several
from resource_svc.documents.schemas import DocumentForm
from resource_svc.file_types import FILE_TYPES

_FILE: Schema = {"type": "string", "format": "binary"}
_FIRST, *_OTHERS = dict.fromkeys(kind.media_type for kind in FILE_TYPES.values())

OPERATIONS: Operations = {
    "GET /resource/users/me": Operation(
        summary="Oneself", status=200, answer=ref("UserWithFullInfo"), refusals=(401,)
    ),
    "PUT /resource/users/me": Operation(
        summary="Change one's data",
        status=200,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 401, 422),
    ),
    "DELETE /resource/users/me": Operation(
        summary="Delete one's account",
        status=204,
        refusals=(400, 401, 403, 404, 422),
        note="The e-mail address stays taken until the account is erased, where it is "
        "(BARONG_ERASURE_AFTER_DAYS); phones are free at once.",
    ),
    "GET /resource/users/me/export": Operation(
        summary="Everything the system holds about oneself",
        status=200,
        answer={"type": "object", "description": "By kind; secrets are not in it."},
        refusals=(401,),
        ours=True,
    ),
    "PUT /resource/users/password": Operation(
        summary="Change one's password",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 401, 404, 422),
        note="Ends all sessions but the one that asks.",
    ),
    "GET /resource/users/activity/{topic}": Operation(
        summary="What one did",
        status=200,
        answer=several(ref("OwnActivity")),
        refusals=(401, 422),
        headers=BY_PAGE_UNCOUNTED,
    ),
    "GET /resource/sessions": Operation(
        summary="One's living sessions, the newest first",
        status=200,
        answer=several(ref("Session")),
        refusals=(401, 422),
        headers=BY_PAGE,
        ours=True,
    ),
    "DELETE /resource/sessions/{id}": Operation(
        summary="End one of one's sessions", status=204, refusals=(401, 404), ours=True
    ),
    "GET /resource/labels": Operation(
        summary="One's labels", status=200, answer=several(ref("Label")), refusals=(401,)
    ),
    "POST /resource/labels": Operation(
        summary="Add a public label", status=201, answer=ref("Label"), refusals=(400, 401, 422)
    ),
    "GET /resource/labels/{key}": Operation(
        summary="One of one's labels", status=200, answer=ref("Label"), refusals=(400, 401, 404)
    ),
    "PATCH /resource/labels/{key}": Operation(
        summary="Change a public label",
        status=200,
        answer=ref("Label"),
        refusals=(400, 401, 404, 422),
    ),
    "DELETE /resource/labels/{key}": Operation(
        summary="Remove a public label", status=204, refusals=(400, 401, 404)
    ),
    "GET /resource/profiles/me": Operation(
        summary="One's profiles",
        status=200,
        answer=several(ref("Profile")),
        refusals=(401, 404),
    ),
    "POST /resource/profiles": Operation(
        summary="Write a profile; `confirm` submits it",
        status=201,
        answer=ref("Profile"),
        refusals=(400, 401, 409, 422),
    ),
    "PUT /resource/profiles": Operation(
        summary="Change the drafted profile; `confirm` submits it",
        status=200,
        answer=ref("Profile"),
        refusals=(401, 404, 422),
    ),
    "GET /resource/phones": Operation(
        summary="One's phones", status=200, answer=several(ref("Phone")), refusals=(401,)
    ),
    "POST /resource/phones": Operation(
        summary="Add a phone; a code is sent to it",
        status=201,
        answer=ref("Message"),
        refusals=(400, 401, 404, 422, 429),
    ),
    "DELETE /resource/phones": Operation(
        summary="Remove one's phone",
        status=204,
        refusals=(400, 401, 404, 422),
        ours=True,
        note="The number is free for others. With the last verified phone goes phone:verified.",
    ),
    "POST /resource/phones/send_code": Operation(
        summary="Send another code",
        status=201,
        answer=ref("Message"),
        refusals=(400, 401, 404, 422, 429),
    ),
    "POST /resource/phones/verify": Operation(
        summary="Verify a phone with the code that was sent",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 401, 404, 422),
    ),
    "POST /resource/data_storage": Operation(
        summary="Keep a JSON text under a title",
        status=201,
        answer=ref("DataStorage"),
        refusals=(400, 401, 422),
    ),
    "GET /resource/documents": Operation(
        summary="One's documents",
        status=200,
        answer=several(ref("Document")),
        refusals=(401,),
    ),
    "POST /resource/documents": Operation(
        summary="Upload documents, all or none of them; shows the first",
        status=201,
        answer=ref("Document"),
        refusals=(400, 401, 422),
        form=DocumentForm,
    ),
    "GET /resource/uploads/{key}": Operation(
        summary="An uploaded file, by a signed link",
        status=200,
        answer=_FILE,
        media_type=_FIRST,
        other_types=dict.fromkeys(_OTHERS, _FILE),
        refusals=(403, 404, 422),
        ours=True,
    ),
    "GET /resource/api_keys": Operation(
        summary="One's API keys",
        status=200,
        answer=several(ref("APIKey")),
        refusals=(400, 401, 422),
        headers=BY_PAGE,
    ),
    "POST /resource/api_keys": Operation(
        summary="Make an API key",
        status=201,
        answer=ref("APIKey"),
        refusals=(400, 401, 422),
        note="Needs the second factor. The secret is shown this once. `ed25519` needs a "
        "`public_key` instead: PEM, or 32 bytes in base64url.",
    ),
    "PATCH /resource/api_keys/{kid}": Operation(
        summary="Change an API key",
        status=200,
        answer=ref("APIKey"),
        refusals=(400, 401, 404, 422),
    ),
    "DELETE /resource/api_keys/{kid}": Operation(
        summary="Delete an API key", status=204, refusals=(400, 401, 404, 422)
    ),
    "POST /resource/otp/generate_qrcode": Operation(
        summary="Make a second factor, which is not on yet",
        status=201,
        answer=ref("QRCode"),
        refusals=(400, 401),
    ),
    "POST /resource/otp/enable": Operation(
        summary="Turn the second factor on, with a code of it",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 401, 422),
        note="Ends all sessions but the one that asks.",
    ),
    "POST /resource/otp/disable": Operation(
        summary="Turn the second factor off, with a code of it",
        status=201,
        answer=ref("UserWithFullInfo"),
        refusals=(400, 401, 422),
        note="All API keys become inactive.",
    ),
    "POST /resource/otp/verify": Operation(
        summary="Check a code of the second factor", status=201, refusals=(400, 401, 403, 422)
    ),
}
