"""Why an API key is not made or changed."""

from shared.errors import BadRequest, Invalid


class SecondFactorDisabled(BadRequest):
    """The user has no second factor, or none any more."""

    codes = ("resource.api_key.2fa_disabled",)


class WrongCode(Invalid):
    """The code is not one of this moment."""

    codes = ("resource.api_key.invalid_totp",)


class TooManyApiKeys(Invalid):
    """The user has as many API keys as he may have; a code of ours, Barong knows no limit."""

    codes = ("resource.api_key.limit_reached",)
