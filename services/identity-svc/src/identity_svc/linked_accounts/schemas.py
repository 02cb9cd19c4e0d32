"""The parameters and answers of the operations on linked accounts."""

import uuid
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from identity_svc.linked_accounts.models import Shown
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLinkForm:
    """POST /resource/linked_accounts/request."""

    provider: str | None = declared(Text(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveForm:
    """DELETE /resource/linked_accounts/{id}."""

    id: str = declared(Text())

    @property
    def account(self) -> uuid.UUID | None:
        """The id; None for a text that is no UUID: nobody has it."""
        try:
            return uuid.UUID(self.id)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOfForm:
    """GET /users/{uid}/linked_accounts."""

    uid: str = declared(fields.String(required=True))


class LinkedAccountSchema(AnswerSchema):
    """An account at another OpenID provider by which the caller logs in."""

    id = fields.UUID()
    provider = fields.String(
        allow_none=True,
        metadata=described("Its name; null if this installation knows it no more."),
    )
    label = fields.String(metadata=described("How people know the provider."))
    issuer = fields.String()
    subject = fields.String(metadata=described("Who the user is there."))
    email = fields.String(
        allow_none=True, metadata=described("What the provider said when it was linked.")
    )
    created_at = fields.DateTime()
    used_at = fields.DateTime(allow_none=True)


def to_public(shown: Shown) -> dict[str, Any]:
    """The `LinkedAccount` of the public API."""
    account = shown.account
    return {
        "id": str(account.id),
        "provider": shown.provider,
        "label": shown.label,
        "issuer": account.issuer,
        "subject": account.subject,
        "email": account.email,
        "created_at": seconds(account.created_at),
        "used_at": seconds(account.used_at) if account.used_at else None,
    }
