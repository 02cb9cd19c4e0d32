"""Every event: its name, record, owner, version, and when it is sent.

What is signed, published, subscribed to and documented derives from here.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Generic, TypeVar

from shared.contracts.events import Event, Record
from shared.contracts.records import (
    SEALED,
    ActivityRecord,
    ApiKeyRecord,
    ByClientRecord,
    ConsentRecord,
    DataStorageRecord,
    DocumentRecord,
    EmailTokenRecord,
    ErasedRecord,
    EventRecord,
    GuessRecord,
    LabelRecord,
    LinkedAccountRecord,
    LoginRecord,
    LogInTokenRecord,
    OAuthClientRecord,
    PasskeyRecord,
    PermissionRecord,
    PhoneRecord,
    ProfileRecord,
    RecoveryRecord,
    RestrictionRecord,
    RevokedGrantRecord,
    SessionRecord,
    TokenRecord,
    UserAlone,
    UserAndDomain,
    UserRecord,
    VerdictRecord,
    WebhookEndpointRecord,
    WebhookRecord,
)
from shared.contracts.services import ADMIN, IDENTITY, OAUTH, RESOURCE, WEBHOOKS

R = TypeVar("R", bound=EventRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType(Generic[R]):
    """One kind of event.

    `when` completes the sentence "Sent when …". Services publish only events that they own.
    `version` counts breaking changes of the record.
    """

    name: str
    record: type[R]
    owner: str
    when: str
    version: int = 1

    @property
    def sensitive(self) -> bool:
        """Whether the record has a secret: whoever reads it can act as the user."""
        return any(field.metadata[SEALED] for field in fields(self.record))

    @property
    def schema_name(self) -> str:
        """The name of the file with its JSON Schema."""
        return f"{self.name}.v{self.version}.json"

    @property
    def has_changes(self) -> bool:
        """Whether the event has old values beside the record."""
        return self.name.startswith("model.") and self.name.endswith(".updated")

    def event(
        self,
        record: R,
        *,
        changes: Record | None = None,
        snapshot: Record | None = None,
        id: uuid.UUID | None = None,  # noqa: A002
    ) -> Event:
        """An event of this kind; it gets an id of its own unless it is given one."""
        event = Event(
            name=self.name,
            record=record.published(),
            changes=changes,
            snapshot=snapshot,
            secrets=record.secrets(),
        )
        return event if id is None else replace(event, id=id)


def _model(thing: str, record: type[R], owner: str, **when: str) -> Mapping[str, EventType[R]]:
    """The events of a model, by what happened to it."""
    return {
        happening: EventType(
            name=f"model.{thing}.{happening}", record=record, owner=owner, when=sentence
        )
        for happening, sentence in when.items()
    }


USERS: Final = _model(
    "user",
    UserRecord,
    IDENTITY,
    created="a user signed up or was imported",
    updated="a user was changed",
)
LABELS: Final = _model(
    "label",
    LabelRecord,
    RESOURCE,
    created="a label was added",
    updated="a label was changed",
    deleted="a label was removed",
)
PROFILES: Final = _model(
    "profile",
    ProfileRecord,
    RESOURCE,
    created="a user wrote a profile",
    updated="a profile was changed, by its user or by staff",
)
PHONES: Final = _model(
    "phone",
    PhoneRecord,
    RESOURCE,
    created="a user added a phone",
    updated="a user proved that a phone is theirs",
    deleted="a phone was removed",
)
DOCUMENTS: Final = _model(
    "document", DocumentRecord, RESOURCE, created="a user uploaded a document"
)
DATA_STORAGES: Final = _model(
    "data_storage",
    DataStorageRecord,
    RESOURCE,
    created="a user wrote a data storage",
    deleted="a data storage was removed",
)
API_KEYS: Final = _model(
    "api_key",
    ApiKeyRecord,
    RESOURCE,
    created="a user created an API key",
    updated="an API key was changed, or ended with its user's second factor or state",
    deleted="an API key was deleted",
)
PASSKEYS: Final = _model(
    "passkey",
    PasskeyRecord,
    IDENTITY,
    created="a user added a passkey",
    updated="a user renamed a passkey",
    deleted="a passkey was deleted",
)
LINKED_ACCOUNTS: Final = _model(
    "linked_account",
    LinkedAccountRecord,
    IDENTITY,
    created="an account at another OpenID provider was linked to a user",
    deleted="such a link was ended",
)
PERMISSIONS: Final = _model(
    "permission",
    PermissionRecord,
    ADMIN,
    created="a row of permissions was added",
    updated="a row of permissions was changed",
    deleted="a row of permissions was deleted",
)
RESTRICTIONS: Final = _model(
    "restriction",
    RestrictionRecord,
    ADMIN,
    created="a restriction was added",
    updated="a restriction was changed, or switched off",
    deleted="a restriction was deleted",
)
SESSION_CREATED: Final = EventType(
    name="system.session.create",
    record=LoginRecord,
    owner=IDENTITY,
    when="a user logged in; not for the session that a sign-up opens",
)
SESSION_REVOKED: Final = EventType(
    name="system.session.revoked",
    record=SessionRecord,
    owner=IDENTITY,
    when="a session, or all of a user's, ended before their time",
)
MAIL_LOG_IN_TOKEN: Final = EventType(
    name="system.session.mail.token",
    record=LogInTokenRecord,
    owner=IDENTITY,
    when="a mail has to be sent to a user who logs in by it",
)
CONFIRMATION_TOKEN: Final = EventType(
    name="system.user.email.confirmation.token",
    record=TokenRecord,
    owner=IDENTITY,
    when="a confirmation mail has to be sent",
)
EMAIL_CONFIRMED: Final = EventType(
    name="system.user.email.confirmed",
    record=UserAndDomain,
    owner=IDENTITY,
    when="a user confirmed their address",
)
EMAIL_CHANGE_TOKEN: Final = EventType(
    name="system.user.email.change.token",
    record=EmailTokenRecord,
    owner=IDENTITY,
    when="a mail has to be sent to the address that a user wants to have",
)
EMAIL_REVERSAL_TOKEN: Final = EventType(
    name="system.user.email.reversal.token",
    record=EmailTokenRecord,
    owner=IDENTITY,
    when="a user's address was changed: a mail has to be sent to the old one",
)
PASSWORD_RESET_TOKEN: Final = EventType(
    name="system.user.password.reset.token",
    record=TokenRecord,
    owner=IDENTITY,
    when="a mail has to be sent to a user who forgot their password",
)
PASSWORD_RESET: Final = EventType(
    name="system.user.password.reset",
    record=UserAndDomain,
    owner=IDENTITY,
    when="a password was reset with the token of a mail",
)
PASSWORD_CHANGED: Final = EventType(
    name="system.user.password.change",
    record=UserAndDomain,
    owner=IDENTITY,
    when="a user changed their password",
)
OTP_GUESSED: Final = EventType(
    name="system.user.otp.guessed",
    record=GuessRecord,
    owner=IDENTITY,
    when="somebody who has a user's password or session guesses codes of the second factor",
)
RECOVERY_CODES_CREATED: Final = EventType(
    name="system.user.recovery_codes.created",
    record=ByClientRecord,
    owner=IDENTITY,
    when="a user made recovery codes, which replace all that they had",
)
RECOVERY_CODE_USED: Final = EventType(
    name="system.user.recovery_code.used",
    record=RecoveryRecord,
    owner=IDENTITY,
    when="a recovery code was used in place of a code of the second factor",
)
ACCOUNT_DELETED: Final = EventType(
    name="system.user.account.deleted",
    record=UserAlone,
    owner=IDENTITY,
    when="a user deleted their account",
)
USER_ERASED: Final = EventType(
    name="system.user.erased",
    record=ErasedRecord,
    owner=IDENTITY,
    when="a user was erased: delete what you store about them",
)
DOCUMENT_VERDICTS: Final = {
    verdict: EventType(
        name=f"system.document.{verdict}",
        record=VerdictRecord,
        owner=RESOURCE,
        when=f"staff {verdict} a user's documents, also when they do so once more",
    )
    for verdict in ("verified", "rejected")
}
ACTIVITY_RECORDED: Final = EventType(
    name="system.activity.recorded",
    record=ActivityRecord,
    owner=IDENTITY,
    when="a user did something about their account, or was refused",
)
WEBHOOK_ENDPOINTS: Final = _model(
    "webhook",
    WebhookEndpointRecord,
    WEBHOOKS,
    created="an administrator added an endpoint of webhooks",
    updated="an administrator changed an endpoint of webhooks, or its secret",
    deleted="an administrator deleted an endpoint of webhooks",
)
WEBHOOK_DISABLED: Final = EventType(
    name="system.webhook.disabled",
    record=WebhookRecord,
    owner=WEBHOOKS,
    when="webhooks-svc itself disabled an endpoint",
)

OAUTH_CLIENTS: Final = _model(
    "oauth_client",
    OAuthClientRecord,
    OAUTH,
    created="a client of the OAuth provider was registered",
    updated="a client of the OAuth provider was changed, or got another secret",
    deleted="a client of the OAuth provider was deleted, with all its tokens",
)
CONSENT_GRANTED: Final = EventType(
    name="system.oauth.consent.granted",
    record=ConsentRecord,
    owner=OAUTH,
    when="a user allowed a client more than before",
)
CONSENT_REVOKED: Final = EventType(
    name="system.oauth.consent.revoked",
    record=ConsentRecord,
    owner=OAUTH,
    when="a user, or an administrator, took back what a user had allowed a client",
)
TOKENS_REVOKED: Final = EventType(
    name="system.oauth.token.revoked",
    record=RevokedGrantRecord,
    owner=OAUTH,
    when="all tokens of a grant became void before their time",
)


def _all() -> Iterator[EventType[Any]]:
    for models in (
        *(USERS, LABELS, PROFILES, PHONES, DOCUMENTS),
        *(DATA_STORAGES, API_KEYS, PASSKEYS, PERMISSIONS, RESTRICTIONS, WEBHOOK_ENDPOINTS),
        LINKED_ACCOUNTS,
        OAUTH_CLIENTS,
    ):
        yield from models.values()
    yield from (SESSION_CREATED, SESSION_REVOKED, CONFIRMATION_TOKEN, EMAIL_CONFIRMED)
    yield from (PASSWORD_RESET_TOKEN, PASSWORD_RESET, PASSWORD_CHANGED, OTP_GUESSED)
    yield from (EMAIL_CHANGE_TOKEN, EMAIL_REVERSAL_TOKEN, MAIL_LOG_IN_TOKEN)
    yield from (RECOVERY_CODES_CREATED, RECOVERY_CODE_USED)
    yield from (ACCOUNT_DELETED, USER_ERASED)
    yield from DOCUMENT_VERDICTS.values()
    yield from (ACTIVITY_RECORDED, WEBHOOK_DISABLED)
    yield from (CONSENT_GRANTED, CONSENT_REVOKED, TOKENS_REVOKED)


CATALOGUE: Final[Mapping[str, EventType[Any]]] = {each.name: each for each in _all()}
"""Every event, by name."""


def owned_by(service: str) -> frozenset[str]:
    """The names of a service's events: no others are signed for it."""
    return frozenset(name for name, each in CATALOGUE.items() if each.owner == service)


def names(models: Mapping[str, EventType[Any]]) -> tuple[str, ...]:
    """The names of the events of a model."""
    return tuple(each.name for each in models.values())
