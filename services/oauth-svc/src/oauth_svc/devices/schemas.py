"""What comes in to the operations on requests of devices, and what goes out."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from oauth_svc.authorizations.models import ACCEPT, REFUSE
from oauth_svc.authorizations.schemas import Word
from oauth_svc.devices.models import ShownRequest
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.addresses import Address
from shared.values.timestamps import milliseconds
from shared.web.fields import Text


def _id() -> Text:
    return Text(missing=("oauth.device.missing_id",), maximum=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterCodeForm:
    """POST /identity/oauth/devices."""

    user_code: str = declared(
        Text(
            missing=("oauth.device.missing_user_code",),
            empty="oauth.device.missing_user_code",
            maximum=100,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceForm:
    """GET /identity/oauth/devices/{id}."""

    id: str = declared(_id())


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDeviceForm:
    """POST /identity/oauth/devices/{id}."""

    id: str = declared(_id())
    action: str = declared(Word("oauth.device", "action", ACCEPT, REFUSE))


def to_public(id: str, shown: ShownRequest, visitor: Address) -> dict[str, Any]:  # noqa: A002
    """The `OAuthDeviceRequest` of the public API, for a user at the address `visitor`."""
    request, client = shown.request, shown.client
    return {
        "id": id,
        "client_id": client.client_id,
        "client_name": client.name,
        "first_party": client.first_party,
        "scopes": list(request.scopes),
        "address": str(request.origin.address),
        "user_agent": request.origin.user_agent,
        "nearby": request.origin.is_near(visitor),
        "created_at": milliseconds(request.created_at),
        "expires_at": milliseconds(request.code.expires_at),
    }


class OAuthDeviceRequestSchema(AnswerSchema):
    """What a page has to show a user before they let a device act for them."""

    id = fields.String(
        metadata=described("Names the request for this session. A new look-up ends it.")
    )
    client_id = fields.String()
    client_name = fields.String()
    first_party = fields.Boolean()
    scopes = fields.List(fields.String())
    address = fields.String(metadata=described("From where the device asked."))
    user_agent = fields.String(metadata=described("What the device calls itself; may be blank."))
    nearby = fields.Boolean(
        metadata=described(
            "Whether the user is in the same network as the device. If not, warn them: somebody "
            "may have sent them the code."
        )
    )
    created_at = fields.DateTime(metadata=described("When the device asked."))
    expires_at = fields.DateTime()
