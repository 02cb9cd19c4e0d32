"""What comes in to the operations on consents, and what goes out."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from oauth_svc.consents.models import Consent
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Text
from shared.web.pagination import PageForm


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConsentsForm(PageForm):
    """GET /resource/consents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentForm:
    """A user's own consent, by the client."""

    client_id: str = declared(Text(missing=("resource.consent.missing_client_id",), maximum=64))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListClientConsentsForm(PageForm):
    """GET /admin/oauth_clients/{client_id}/consents."""

    client_id: str = declared(Text(missing=("admin.oauth_client.missing_id",), maximum=64))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConsentForm:
    """A user's consent to a client."""

    client_id: str = declared(Text(missing=("admin.oauth_client.missing_id",), maximum=64))
    uid: str = declared(Text(missing=("admin.oauth_client.missing_uid",), maximum=64))


def to_public(consent: Consent) -> dict[str, Any]:
    """The `Consent` of the public API."""
    return {
        "uid": consent.uid,
        "client_id": consent.client_id,
        "reference": consent.reference,
        "client_name": consent.client_name,
        "scopes": sorted(consent.scopes),
        "created_at": milliseconds(consent.created_at),
        "updated_at": milliseconds(consent.updated_at),
    }


class ConsentSchema(AnswerSchema):
    """What a user allows a client."""

    uid = fields.String()
    client_id = fields.String()
    reference = fields.String(
        metadata=described("The `client_id` of paths: a digest of it if the id is a URL.")
    )
    client_name = fields.String()
    scopes = fields.List(fields.String(), metadata=described("What the client may ask for."))
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
