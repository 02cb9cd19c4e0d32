"""The internal operation on grants, for the gateway."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marshmallow import fields

from oauth_svc.tokens.models import Grant
from shared.declared import declared


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantForm:
    """GET /grants/{id}."""

    id: UUID = declared(fields.UUID(required=True))


def to_internal(grant: Grant) -> dict[str, Any]:
    """A grant, as internal calls answer."""
    return {"id": str(grant.id), "uid": grant.uid, "client_id": grant.client_id}
