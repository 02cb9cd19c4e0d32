"""The parameters and answers of the operations on passkeys."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from identity_svc.passkeys.models import MAX_CREDENTIAL, MAX_NAME, InvalidCredential, Passkey
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import Parameter, Text

_INVALID_NAME = "resource.passkey.invalid_name"


class CredentialField(Parameter):
    """A PublicKeyCredential: an object in JSON, or its JSON as text in a form."""

    def __init__(self) -> None:
        code = InvalidCredential.codes[0]
        super().__init__(missing=(code,), empty=code, invalid=code)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            text = value if isinstance(value, str) else json.dumps(value)
            if len(text) > MAX_CREDENTIAL:
                raise self.refuse()
            read = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:  # a form may have files in it
            if isinstance(error, ValidationError):
                raise
            raise self.refuse() from None
        if not isinstance(read, dict):
            raise self.refuse()
        return read

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["object", "string"], "maxLength": MAX_CREDENTIAL}


def _name(*missing: str) -> Text:
    return Text(missing=missing, empty=_INVALID_NAME, flawed=_INVALID_NAME, maximum=MAX_NAME)


class IdField(Parameter):
    """The id of a passkey, in the path; nobody has one that is no UUID."""

    def __init__(self) -> None:
        super().__init__(missing=("resource.passkey.doesnt_exist",))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> uuid.UUID | None:
        try:
            return uuid.UUID(str(value))
        except ValueError:
            return None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddForm:
    """POST /resource/passkeys."""

    credential: dict[str, Any] = declared(CredentialField())
    name: str = declared(_name(), "Passkey")


@dataclass(frozen=True, slots=True, kw_only=True)
class UseForm:
    """POST /identity/sessions/passkey and POST /resource/sessions/verify/passkey."""

    credential: dict[str, Any] = declared(CredentialField())


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameForm:
    """PATCH /resource/passkeys/{id}."""

    id: uuid.UUID | None = declared(IdField())
    name: str = declared(_name(_INVALID_NAME))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteForm:
    """DELETE /resource/passkeys/{id}."""

    id: uuid.UUID | None = declared(IdField())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOfForm:
    """GET /users/{uid}/passkeys."""

    uid: str = declared(fields.String(required=True))


class PasskeySchema(AnswerSchema):
    """A passkey of the caller's."""

    id = fields.UUID()
    name = fields.String()
    aaguid = fields.UUID(metadata=described("The make of the authenticator; zeros: it tells none."))
    backup_eligible = fields.Boolean(metadata=described("Whether it may be on several devices."))
    backed_up = fields.Boolean(metadata=described("Whether it was, when it was used last."))
    created_at = fields.DateTime()
    used_at = fields.DateTime(allow_none=True)


class OptionsSchema(AnswerSchema):
    """What a browser needs for its part, as JSON (WebAuthn Level 3, 5.1.8 and 5.1.9)."""

    publicKey = fields.Raw(metadata={"type": "object"})  # noqa: N815 - the browser's name


def to_public(passkey: Passkey) -> dict[str, Any]:
    """The `Passkey` of the public API."""
    return {
        "id": str(passkey.id),
        "name": passkey.name,
        "aaguid": str(passkey.aaguid),
        "backup_eligible": passkey.backup_eligible,
        "backed_up": passkey.backed_up,
        "created_at": seconds(passkey.created_at),
        "used_at": seconds(passkey.used_at) if passkey.used_at else None,
    }
