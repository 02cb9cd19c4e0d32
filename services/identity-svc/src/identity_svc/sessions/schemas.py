"""What the operations on sessions take and answer."""

import uuid
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from identity_svc.sessions.models import CurrentSession, ListedSession
from shared.answer_schemas import AnswerSchema, described
from shared.contracts.authentication import LEVELS, Authentication
from shared.declared import declared
from shared.values.addresses import Address
from shared.values.timestamps import seconds
from shared.web.pagination import PageForm


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSessionForm:
    """POST /sessions/resolve: one of key and sid; `address` (with sid) is that of the caller."""

    key: str | None = declared(fields.String(validate=validate.Regexp("[0-9a-f]{64}$")), None)
    sid: uuid.UUID | None = declared(fields.UUID(), None)
    address: Address | None = declared(fields.IP(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTokenForm:
    """POST /users/{uid}/token."""

    uid: str = declared(fields.String(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSessionForm:
    """DELETE /sessions/{sid}."""

    sid: uuid.UUID = declared(fields.UUID(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSessionOfForm:
    """DELETE /users/{uid}/sessions/{sid}."""

    uid: str = declared(fields.String(required=True))
    sid: uuid.UUID = declared(fields.UUID(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessionsForm(PageForm):
    """GET /users/{uid}/sessions."""

    uid: str = declared(fields.String(required=True))


def to_internal(session: ListedSession) -> dict[str, str]:
    """A session in the answer of GET /users/{uid}/sessions."""
    return {
        "sid": session.sid,
        "address": session.address,
        "user_agent": session.user_agent,
        "created_at": session.created_at.isoformat(),
        "expires_at": session.expires_at.isoformat(),
    }


def to_public(current: CurrentSession) -> dict[str, Any]:
    """The answer of GET /identity/sessions."""
    session = current.session
    return {
        "id": session.sid,
        "user_ip": session.address,
        "user_agent": session.user_agent,
        "current": True,
        "created_at": seconds(session.created_at),
        "expires_at": seconds(session.expires_at),
        "csrf_token": current.csrf_token,
        **authentication(current.authentication),
    }


def authentication(shown: Authentication) -> dict[str, Any]:
    """How and when the user was authenticated last, as clients see it."""
    return {"auth_time": seconds(shown.at), "amr": list(shown.amr), "acr": shown.acr}


class AuthenticationSchema(AnswerSchema):
    """How and when the caller was authenticated last in this session."""

    auth_time = fields.DateTime(metadata=described("At the log-in, or the last verification."))
    amr = fields.List(
        fields.String(),
        metadata=described("The methods that were used: `pwd`, `otp`, `pop`, `user`, `mfa` …"),
    )
    acr = fields.String(
        validate=validate.OneOf(LEVELS),
        metadata=described("`aal1`: one factor. `aal2`: two. `phr`: a passkey."),
    )


class CurrentSessionSchema(AuthenticationSchema):
    """The session by which the caller calls."""

    id = fields.UUID()
    user_ip = fields.String()
    user_agent = fields.String()
    current = fields.Boolean()
    created_at = fields.DateTime()
    expires_at = fields.DateTime(metadata=described("When it ends, unless it is used before."))
    csrf_token = fields.String(
        allow_none=True,
        metadata=described("For whoever brings the session's cookie; null for a bearer."),
    )
