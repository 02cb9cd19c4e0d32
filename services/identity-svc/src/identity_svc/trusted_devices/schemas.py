"""The parameters and answers of the operations on trusted devices."""

import uuid
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from identity_svc.trusted_devices.models import TrustedDevice
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeForm:
    """DELETE /resource/trusted_devices/{id}."""

    id: str = declared(Text())

    @property
    def device(self) -> uuid.UUID | None:
        """The id; None for a text that is no UUID: nobody has it."""
        try:
            return uuid.UUID(self.id)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOfForm:
    """GET /users/{uid}/trusted_devices."""

    uid: str = declared(fields.String(required=True))


class TrustedDeviceSchema(AnswerSchema):
    """A browser that is asked for no code of the second factor."""

    id = fields.UUID()
    user_ip = fields.String(metadata=described("Of its last log-in."))
    user_agent = fields.String()
    created_at = fields.DateTime()
    used_at = fields.DateTime()
    expires_at = fields.DateTime()


def to_public(device: TrustedDevice) -> dict[str, Any]:
    """The `TrustedDevice` of the public API."""
    return {
        "id": str(device.id),
        "user_ip": device.address,
        "user_agent": device.user_agent,
        "created_at": seconds(device.created_at),
        "used_at": seconds(device.used_at),
        "expires_at": seconds(device.expires_at),
    }
