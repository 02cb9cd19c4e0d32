"""The records of events. A record may have more fields than are listed here."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints
from uuid import UUID


class Record:
    """What an event is about. A field that may be absent or null is None then."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Record):
    """The user whom another record belongs to."""

    uid: str
    email: str
    role: str
    level: int
    otp: bool
    state: str
    referral_uid: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """The label of a verdict about a user's documents."""

    id: int
    key: str
    value: str
    description: str | None = None
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Record):
    """A label."""

    id: int
    key: str
    value: str
    description: str | None = None
    user: User
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Record):
    """A profile."""

    user: User
    first_name: str | None = None
    last_name: str | None = None
    dob: date | None = None
    address: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = None
    metadata: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone(Record):
    """A phone."""

    user: User
    country: str
    number: str
    validated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Record):
    """A document."""

    user: User
    upload: str
    doc_type: str
    doc_number: str
    doc_expire: date | None = None
    metadata: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStorage(Record):
    """A data storage."""

    user: User
    title: str
    data: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(Record):
    """An API key, without its secret."""

    user: User
    kid: str
    algorithm: str
    scope: tuple[str, ...]
    state: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission(Record):
    """A row of permissions."""

    id: int
    action: str
    role: str
    verb: str
    path: str
    topic: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction(Record):
    """A restriction."""

    id: int
    category: str
    scope: str
    value: str
    code: int | None = None
    state: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAndDomain(Record):
    """A user, and the front end's address."""

    user: User
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Record):
    """A user, and the token that has to be mailed to them."""

    user: User
    domain: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailToken(Record):
    """A user, and the token that has to be mailed to another address than theirs."""

    user: User
    domain: str
    token: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInToken(Record):
    """A user, and the link and code that have to be mailed to them for a log-in."""

    user: User
    domain: str
    token: str = field(repr=False)
    code: str = field(repr=False)
    user_ip: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Login(Record):
    """A login."""

    user: User
    user_ip: str
    user_agent: str
    new_device: bool
    new_network: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess(Record):
    """Guesses of codes."""

    user: User
    domain: str
    user_ip: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClient(Record):
    """What a user did about their credentials, and with which client."""

    user: User
    domain: str
    user_ip: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery(Record):
    """The use of a recovery code."""

    user: User
    domain: str
    user_ip: str
    user_agent: str
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAccount(Record):
    """An account at another OpenID provider by which a user logs in."""

    user: User
    id: UUID
    provider: str
    issuer: str
    email: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey(Record):
    """A passkey, without its public key."""

    user: User
    id: UUID
    name: str
    backup_eligible: bool
    backed_up: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Record):
    """A session that ended before its time."""

    user: User
    sid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAlone(Record):
    """A user."""

    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased(Record):
    """A user who was erased."""

    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Record):
    """An endpoint of webhooks that the service itself disabled."""

    id: int
    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint(Record):
    """An endpoint of webhooks, and which administrator changed it how."""

    id: int
    url: str
    description: str
    events: list[str]
    state: str
    action: str
    author_uid: str
    author_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient(Record):
    """A client of the OAuth provider, and who changed it how."""

    client_id: str
    name: str
    authentication: str
    first_party: bool
    created_at: datetime
    updated_at: datetime
    registered_by: str
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    grant_types: list[str]
    scopes: list[str]
    resources: list[str]
    exchange_resources: list[str]
    keys: list[str]
    keys_uri: str | None
    backchannel_logout_uri: str | None
    access_seconds: int
    refresh_seconds: int
    dpop_bound: bool
    action: str
    author_uid: str | None
    author_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Record):
    """What a user allows a client."""

    uid: str
    client_id: str
    scopes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedGrant(Record):
    """A grant whose tokens are void; without a user it was a machine's."""

    grant: str
    client_id: str
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Record):
    """An activity of a user."""

    category: str
    uid: str
    user_ip: str
    user_agent: str
    topic: str
    action: str
    result: str
    target_uid: str | None = None
    data: str | None = None
    id: UUID
    created_at: datetime


RECORDS: Final[Mapping[str, type[Record]]] = {
    "model.user.created": User,
    "model.user.updated": User,
    "model.label.created": Label,
    "model.label.updated": Label,
    "model.label.deleted": Label,
    "model.profile.created": Profile,
    "model.profile.updated": Profile,
    "model.phone.created": Phone,
    "model.phone.updated": Phone,
    "model.phone.deleted": Phone,
    "model.document.created": Document,
    "model.data_storage.created": DataStorage,
    "model.data_storage.deleted": DataStorage,
    "model.api_key.created": ApiKey,
    "model.api_key.updated": ApiKey,
    "model.api_key.deleted": ApiKey,
    "model.linked_account.created": LinkedAccount,
    "model.linked_account.deleted": LinkedAccount,
    "model.passkey.created": Passkey,
    "model.passkey.updated": Passkey,
    "model.passkey.deleted": Passkey,
    "model.permission.created": Permission,
    "model.permission.updated": Permission,
    "model.permission.deleted": Permission,
    "model.restriction.created": Restriction,
    "model.restriction.updated": Restriction,
    "model.restriction.deleted": Restriction,
    "model.webhook.created": WebhookEndpoint,
    "model.webhook.updated": WebhookEndpoint,
    "model.webhook.deleted": WebhookEndpoint,
    "model.oauth_client.created": OAuthClient,
    "model.oauth_client.updated": OAuthClient,
    "model.oauth_client.deleted": OAuthClient,
    "system.oauth.consent.granted": Consent,
    "system.oauth.consent.revoked": Consent,
    "system.oauth.token.revoked": RevokedGrant,
    "system.session.create": Login,
    "system.session.revoked": Session,
    "system.session.mail.token": LogInToken,
    "system.user.email.confirmation.token": Token,
    "system.user.email.confirmed": UserAndDomain,
    "system.user.password.reset.token": Token,
    "system.user.password.reset": UserAndDomain,
    "system.user.password.change": UserAndDomain,
    "system.user.otp.guessed": Guess,
    "system.user.email.change.token": EmailToken,
    "system.user.email.reversal.token": EmailToken,
    "system.user.recovery_codes.created": ByClient,
    "system.user.recovery_code.used": Recovery,
    "system.user.account.deleted": UserAlone,
    "system.user.erased": Erased,
    "system.document.verified": Verdict,
    "system.document.rejected": Verdict,
    "system.activity.recorded": Activity,
    "system.webhook.disabled": Webhook,
}
"""The record of each event, by its name."""


def record_of(name: str, raw: Mapping[str, Any]) -> Record | None:
    """The typed record, or None for an event that this release does not know.

    Raises LookupError, TypeError or ValueError if the record is not what the contract says.
    """
    kind = RECORDS.get(name)
    return None if kind is None else _made(kind, raw)


def _made(kind: type[Record], raw: Mapping[str, Any]) -> Record:
    values = {}
    for name, (wanted, optional) in _fields(cast(Hashable, kind)).items():
        value = raw.get(name) if optional else raw[name]
        values[name] = None if value is None and optional else _value(wanted, value, name)
    return kind(**values)


def _value(wanted: Any, value: Any, name: str) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, Record) and isinstance(value, Mapping):
        return _made(wanted, value)
    if get_origin(wanted) is tuple and isinstance(value, list):
        return tuple(_value(str, each, name) for each in value)
    if wanted in (date, datetime) and isinstance(value, str):
        return wanted.fromisoformat(value)
    if wanted is UUID and isinstance(value, str):
        return UUID(value)
    if type(value) is not wanted:
        raise TypeError(f"{name} has another type")
    return value


@cache
def _fields(kind: Hashable) -> Mapping[str, tuple[Any, bool]]:
    """The type of each field, and whether it may be absent or null."""
    return {name: _without_none(hint) for name, hint in get_type_hints(kind).items()}


def _without_none(hint: Any) -> tuple[Any, bool]:
    if not isinstance(hint, UnionType):
        return hint, False
    [wanted] = [each for each in get_args(hint) if each is not NoneType]
    return wanted, True
