"""The models that several services answer with."""

from marshmallow import fields, validate

from shared.answer_schemas import JSON_TEXT, AnswerSchema, described
from shared.contracts.api_keys import ED25519, HMAC_SHA256, HS256


class LabelSchema(AnswerSchema):
    """A label as its user sees it."""

    key = fields.String()
    value = fields.String()
    scope = fields.String(validate=validate.OneOf(("public", "private")))
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class ProfileSchema(AnswerSchema):
    """Who a user says they are."""

    first_name = fields.String(allow_none=True)
    last_name = fields.String(allow_none=True)
    dob = fields.Date(allow_none=True)
    address = fields.String(allow_none=True)
    postcode = fields.String(allow_none=True)
    city = fields.String(allow_none=True)
    country = fields.String(allow_none=True)
    state = fields.String(validate=validate.OneOf(("drafted", "submitted", "verified", "rejected")))
    metadata = fields.String(allow_none=True, metadata=JSON_TEXT)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class PhoneSchema(AnswerSchema):
    """A phone number; with a time once it was verified."""

    country = fields.String()
    number = fields.String()
    validated_at = fields.DateTime(allow_none=True)


class _UploadSchema(AnswerSchema):
    """The file."""

    url = fields.String(allow_none=True, metadata=described("A signed link; it expires."))


class DocumentSchema(AnswerSchema):
    """An uploaded file, and what its user said about it."""

    optional = ("metadata", "created_at", "updated_at")

    upload = fields.Nested(_UploadSchema)
    doc_type = fields.String()
    doc_number = fields.String()
    doc_expire = fields.Date(allow_none=True)
    metadata = fields.String(allow_none=True, metadata=JSON_TEXT)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class DataStorageSchema(AnswerSchema):
    """A JSON text under a title."""

    title = fields.String()
    data = fields.String(metadata=JSON_TEXT)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class APIKeySchema(AnswerSchema):
    """An API key; its secret is shown once, when it is made. One of `ed25519` has none."""

    optional = ("secret", "public_key")

    kid = fields.String()
    algorithm = fields.String(validate=validate.OneOf((HS256, HMAC_SHA256, ED25519)))
    scope = fields.List(fields.String())
    state = fields.String(validate=validate.OneOf(("active", "inactive", "disabled")))
    secret = fields.Raw(
        metadata=described(
            "Text, or `{data: {value}}` where BARONG_VAULT_SHAPED_SECRETS is on.",
            type=["string", "object"],
        )
    )
    public_key = fields.String(
        metadata=described("Of `ed25519`, in base64url; shown to the key's owner.")
    )
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class UserSchema(AnswerSchema):
    """A user."""

    email = fields.String()
    uid = fields.String(metadata=described("The user's identifier, as `ID0A1B2C3D4E`."))
    role = fields.String()
    level = fields.Integer(metadata=described("How many of the configured levels are reached."))
    otp = fields.Boolean(metadata=described("Whether the second factor is on."))
    state = fields.String(
        metadata=described("pending, active, banned, deleted, locked or a configured one.")
    )
    referral_uid = fields.String(allow_none=True, metadata=described("Who referred the user."))
    data = fields.String(allow_none=True, metadata=JSON_TEXT)


class UserWithFullInfoSchema(UserSchema):
    """A user as they see themself; the CSRF token is there when a session was opened."""

    optional = ("csrf_token",)

    csrf_token = fields.String()
    labels = fields.List(fields.Nested(LabelSchema))
    phones = fields.List(fields.Nested(PhoneSchema))
    profiles = fields.List(fields.Nested(ProfileSchema))
    data_storages = fields.List(fields.Nested(DataStorageSchema))
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
