"""The records of events, field by field: what subscribers get."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Final

SEALED: Final = "sealed"
DESCRIPTION: Final = "description"
FORMAT: Final = "format"
VALUES: Final = "values"


def _field(
    description: str,
    *,
    format: str | None = None,  # noqa: A002
    values: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """A field; `format` is that of JSON Schema, `values` are all that it may have.

    What is secret lies encrypted in the outbox.
    """
    metadata = {DESCRIPTION: description, FORMAT: format, VALUES: values, SEALED: secret}
    return dataclasses.field(metadata=metadata, repr=not secret)


def _moment(description: str) -> Any:
    return _field(description, format="date-time")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """A record as it is published.

    A model's record leaves its own nulls out (`omits_nulls`); others have all their fields.
    """

    omits_nulls: ClassVar[bool] = False

    def published(self) -> dict[str, Any]:
        """Everything but secrets, in the order of the fields."""
        return {
            field.name: value.published() if isinstance(value, EventRecord) else value
            for field in dataclasses.fields(self)
            if not field.metadata[SEALED]
            and ((value := getattr(self, field.name)) is not None or not self.omits_nulls)
        }

    def secrets(self) -> dict[str, str]:
        """The secret fields."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.metadata[SEALED]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedUser(EventRecord):
    """The user whom another record belongs to."""

    uid: str = _field("The user's id.")
    email: str = _field("The user's address, in lower case.")
    role: str = _field("The user's role, such as `member`.")
    level: int = _field("How many levels of verification the user has reached.")
    otp: bool = _field("Whether the second factor is on.")
    state: str = _field("`active`, `pending`, `banned`, `locked`, `deleted`, or another one.")
    referral_uid: str | None = _field("The uid of the user who referred this one.")
    created_at: str = _moment("When the user signed up.")
    updated_at: str = _moment("When the user was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord(NestedUser):
    """A user."""

    omits_nulls = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord(EventRecord):
    """The label of a verdict about a user's documents."""

    id: int = _field("The label's id.")
    key: str = _field("The label's key.", values=("document",))
    value: str = _field("The verdict.", values=("verified", "rejected"))
    description: str | None = _field("What staff wrote about it.")
    user: NestedUser = _field("The label's user, as the label makes them.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRecord(EventRecord):
    """A label."""

    omits_nulls = True

    id: int = _field("The label's id.")
    key: str = _field("What the label is about.")
    value: str = _field("What it says about it.")
    description: str | None = _field("A remark.")
    user: NestedUser = _field("The label's user. Level and state are those after the label.")
    scope: str = _field("`private` labels are written by staff only.", values=("public", "private"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRecord(EventRecord):
    """A profile."""

    omits_nulls = True

    user: NestedUser = _field("The profile's user.")
    first_name: str | None = _field("First name.")
    last_name: str | None = _field("Last name.")
    dob: str | None = _field("Day of birth.", format="date")
    address: str | None = _field("Address.")
    postcode: str | None = _field("Postcode.")
    city: str | None = _field("City.")
    country: str | None = _field("ISO 3166-1 code of the country, in upper case.")
    metadata: str | None = _field("JSON text of the front end.")
    created_at: str = _moment("When the profile was created.")
    updated_at: str = _moment("When it was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRecord(EventRecord):
    """A phone."""

    omits_nulls = True

    user: NestedUser = _field("The phone's user.")
    country: str = _field("ISO 3166-1 code of the number's country.")
    number: str = _field("The number with its country code.")
    validated_at: str | None = _moment("When its user proved that it is theirs.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord(EventRecord):
    """A document."""

    omits_nulls = True

    user: NestedUser = _field("The document's user.")
    upload: str = _field("The path of the file, percent-encoded.")
    doc_type: str = _field("The kind of document, such as `Passport`.")
    doc_number: str = _field("The document's number.")
    doc_expire: str | None = _field("The last day on which it is valid.", format="date")
    metadata: str | None = _field("JSON text of the front end.")
    created_at: str = _moment("When the document was uploaded.")
    updated_at: str = _moment("When it was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStorageRecord(EventRecord):
    """A data storage."""

    omits_nulls = True

    user: NestedUser = _field("The data storage's user.")
    title: str = _field("What the data are about.")
    data: str = _field("The data: a JSON text.")
    created_at: str = _moment("When the data storage was created.")
    updated_at: str = _moment("When it was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRecord(EventRecord):
    """An API key, without its secret."""

    user: NestedUser = _field("The key's user.")
    kid: str = _field("The key's id.")
    algorithm: str = _field("How calls are signed with it.")
    scope: list[str] = _field("What it may be used for; an empty list is everything.")
    state: str = _field("Only `active` keys work.")
    created_at: str = _moment("When the key was created.")
    updated_at: str = _moment("When it was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRecord(EventRecord):
    """A row of permissions."""

    omits_nulls = True

    id: int = _field("The row's id.")
    action: str = _field("`ACCEPT`, `DROP` or `AUDIT`.")
    role: str = _field("The role that it is about.")
    verb: str = _field("An HTTP method, or `ALL`.")
    path: str = _field("The path; what is below it is meant as well.")
    topic: str | None = _field("The topic of audited activities.")
    created_at: str = _moment("When the row was created.")
    updated_at: str = _moment("When it was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionRecord(EventRecord):
    """A restriction."""

    id: int = _field("The restriction's id.")
    category: str = _field("`whitelist`, `maintenance` or `blacklist`.")
    scope: str = _field("`all`, `ip`, `ip_subnet`, `continent` or `country`.")
    value: str = _field("The address, subnet, continent or country.")
    code: int | None = _field("The status of the refusal, where it is not the default.")
    state: str = _field("`enabled` or `disabled`.")
    created_at: str = _moment("When the restriction was created.")
    updated_at: str = _moment("When it was changed last.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAndDomain(EventRecord):
    """A user, and the front end's address."""

    user: NestedUser = _field("The user.")
    domain: str = _field("The front end's address: the setting `BARONG_DOMAIN`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord(UserAndDomain):
    """A user, and the token that has to be mailed to them."""

    token: str = _field("The token of the mail's link. Whoever has it can use it.", secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTokenRecord(TokenRecord):
    """A user, and the token that has to be mailed to another address than theirs."""

    recipient: str = _field("The address that gets the mail.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInTokenRecord(TokenRecord):
    """A user, and the link and code that have to be mailed to them for a log-in."""

    code: str = _field(
        "The code of the mail. Whoever has it and the token can use it.", secret=True
    )
    user_ip: str = _field("The address of the client that asked for the mail.")
    user_agent: str = _field("Its User-Agent, cut to 512 characters.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRecord(EventRecord):
    """A login."""

    user: NestedUser = _field("The user.")
    user_ip: str = _field("The client's address.")
    user_agent: str = _field("The client's User-Agent, cut to 512 characters.")
    new_device: bool = _field("Whether the account knew no such User-Agent, versions aside.")
    new_network: bool = _field("Whether the account knew no such network (IPv4 /16, IPv6 /64).")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessRecord(UserAndDomain):
    """Guesses of codes."""

    user_ip: str = _field("The address of the client that guessed last.")
    user_agent: str = _field("Its User-Agent, cut to 512 characters.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClientRecord(UserAndDomain):
    """What a user did about their credentials, and with which client."""

    user_ip: str = _field("The client's address.")
    user_agent: str = _field("The client's User-Agent, cut to 512 characters.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRecord(ByClientRecord):
    """The use of a recovery code."""

    remaining: int = _field("How many codes are left.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRecord(EventRecord):
    """A passkey, without its public key."""

    user: NestedUser = _field("The passkey's user.")
    id: str = _field("The passkey's id.", format="uuid")
    name: str = _field("What the user calls it.")
    backup_eligible: bool = _field("Whether it may be copied to other devices of the user.")
    backed_up: bool = _field("Whether it was, when it was used last.")
    created_at: str = _moment("When the passkey was added.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAccountRecord(EventRecord):
    """An account at another OpenID provider by which a user logs in."""

    user: NestedUser = _field("Whose account it is.")
    id: str = _field("The link's id.", format="uuid")
    provider: str = _field("How people know the provider.")
    issuer: str = _field("The provider's issuer identifier.")
    email: str | None = _field("The address that the provider told when it was linked.")
    created_at: str = _moment("When it was linked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord(EventRecord):
    """A session that ended before its time."""

    user: NestedUser = _field("The session's user.")
    sid: str | None = _field("The claim `sid` of the session's tokens; null: all of the user's.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAlone(EventRecord):
    """A user."""

    user: NestedUser = _field("The user.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRecord(EventRecord):
    """A user who was erased."""

    uid: str = _field("The id that the user had.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRecord(EventRecord):
    """An endpoint of webhooks."""

    id: int = _field("The endpoint's id.")
    url: str = _field("Its address.")
    reason: str = _field(
        "`gone`: it answered 410. `failing`: every delivery failed for a long time. `crowded`: too "
        "many deliveries wait.",
        values=("gone", "failing", "crowded"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpointRecord(EventRecord):
    """An endpoint of webhooks, who changed it, and how."""

    id: int = _field("The endpoint's id.")
    url: str = _field("Its address.")
    description: str = _field("What administrators noted about it.")
    events: list[str] = _field("The names of the events that it gets, or their beginnings.")
    state: str = _field("`active` or `disabled`.", values=("active", "disabled"))
    action: str = _field(
        "What was done.", values=("created", "updated", "secret_rotated", "deleted")
    )
    author_uid: str = _field("The uid of the administrator who did it.")
    author_role: str = _field("Their role at that time.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClientRecord(EventRecord):
    """A client of the OAuth provider, who changed it, and how."""

    client_id: str = _field("The client's id.")
    name: str = _field("Its name, as users see it.")
    authentication: str = _field("How it authenticates: `none` is a public client.")
    first_party: bool = _field("Whether it needs no consent.")
    created_at: str = _moment("When the client was created.")
    updated_at: str = _moment("When it was changed last.")
    registered_by: str = _field(
        "Who made it: an administrator, whoever has an initial access token, or nobody: its "
        "metadata document did.",
        values=("administrator", "initial_access_token", "metadata_document"),
    )
    redirect_uris: list[str] = _field("Where answers to it may go.")
    post_logout_redirect_uris: list[str] = _field("Where users may go after a log-out.")
    grant_types: list[str] = _field("How it may get tokens.")
    scopes: list[str] = _field("What it may ask for.")
    resources: list[str] = _field("The audiences that it may ask tokens for.")
    exchange_resources: list[str] = _field("The audiences that it may exchange tokens for.")
    keys: list[str] = _field("The thumbprints of its public keys (RFC 7638, SHA-256).")
    keys_uri: str | None = _field("Where its public keys are, if they are fetched.")
    backchannel_logout_uri: str | None = _field("Where it is told of log-outs.")
    access_seconds: int = _field("How long its access tokens live.")
    refresh_seconds: int = _field("How long an unused refresh token of it lives.")
    dpop_bound: bool = _field("Whether all its tokens have to be bound to a key (RFC 9449).")
    action: str = _field(
        "What was done.", values=("created", "updated", "secret_rotated", "deleted")
    )
    author_uid: str | None = _field("The uid of the administrator who did it; null for the client.")
    author_role: str = _field("Their role at that time; `client` for the client itself.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord(EventRecord):
    """What a user allows a client."""

    uid: str = _field("The user.")
    client_id: str = _field("The client.")
    scopes: list[str] = _field("What the client may ask for.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedGrantRecord(EventRecord):
    """A grant whose tokens are void."""

    grant: str = _field("The beginning of the claim `jti` of its tokens, before the dot.")
    client_id: str = _field("The client that had the tokens.")
    uid: str | None = _field("The user whom they stood for; null for a machine.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecord(EventRecord):
    """An activity of a user."""

    category: str = _field(
        "Whether they acted on themselves, or on others.", values=("user", "admin")
    )
    uid: str = _field("Who acted. Blank: nobody who is known.")
    user_ip: str = _field("The client's address.")
    user_agent: str = _field("The client's User-Agent, cut to 512 characters.")
    topic: str = _field("What it was about: `session`, `password`, `otp`, `account` …")
    action: str = _field("What was done: `login`, `password change` …")
    result: str = _field("How it ended.", values=("succeed", "failed", "denied"))
    target_uid: str | None = _field("The user on whom an administrator acted.")
    data: str | None = _field("JSON text with details, without secrets.")
    id: str = _field("The activity's id, which is the event's id.", format="uuid")
    created_at: str = _moment("When it happened.")
