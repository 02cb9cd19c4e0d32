"""The answers of the operations about the installation."""

from marshmallow import fields, validate

from shared.answer_schemas import AnswerSchema, described


class _LogInProviderSchema(AnswerSchema):
    """Another OpenID provider by which users log in."""

    name = fields.String(metadata=described("As operations want it."))
    label = fields.String(metadata=described("As people know it."))


class ConfigsSchema(AnswerSchema):
    """What front ends have to know."""

    optional = ("captcha_id", "log_in_providers", "mail_log_in", "trusted_device_days")

    session_expire_time = fields.Integer(metadata=described("Seconds."))
    captcha_type = fields.String(validate=validate.OneOf(("none", "recaptcha", "geetest")))
    captcha_id = fields.String()
    phone_verification_type = fields.String()
    password_min_entropy = fields.Integer(metadata=described("Bits."))
    password_regexp = fields.String()
    trusted_device_days = fields.Integer(
        metadata=described("How long `trust_device` counts; absent: no device is trusted.")
    )
    log_in_providers = fields.List(
        fields.Nested(_LogInProviderSchema),
        metadata=described("Other OpenID providers by which users log in; absent: none."),
    )
    mail_log_in = fields.Boolean(
        metadata=described("Whether a mailed link or code logs in; absent: it does not.")
    )


class VersionSchema(AnswerSchema):
    """Which build answers."""

    git_tag = fields.String(allow_none=True)
    git_sha = fields.String(allow_none=True)
    build_date = fields.String(allow_none=True)
    version = fields.String(allow_none=True)


class TimeSchema(AnswerSchema):
    """The server's time."""

    time = fields.Integer(metadata=described("Seconds since the epoch."))


class PingSchema(AnswerSchema):
    """The service answers."""

    ping = fields.String(validate=validate.OneOf(("pong",)))
