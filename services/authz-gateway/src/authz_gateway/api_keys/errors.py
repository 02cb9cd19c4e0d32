"""Why an API key does not let a call pass."""

from shared.errors import Invalid, Unauthenticated


class InvalidApiKeyHeaders(Invalid):
    """The headers are not three, or say what cannot be read."""

    codes = ("authz.invalid_api_key_headers",)


class UnknownApiKey(Unauthenticated):
    """There is no such key."""

    codes = ("authz.unexistent_apikey",)


class NonceNoTimestamp(Unauthenticated):
    """The nonce is no positive whole number."""

    codes = ("authz.nonce_not_valid_timestamp",)


class NonceExpired(Unauthenticated):
    """The nonce is too far from this moment."""

    codes = ("authz.nonce_expired",)


class NonceUsed(Unauthenticated):
    """A call was made with this nonce before."""

    codes = ("authz.nonce_used",)


class InvalidSignature(Unauthenticated):
    """The signature is not that of the key."""

    codes = ("authz.invalid_signature",)


class StrictSignatureRequired(Unauthenticated):
    """The key is one for signatures over the whole call; a code of ours."""

    codes = ("authz.strict_signature_required",)


class ApiKeyNotActive(Unauthenticated):
    """The key is switched off."""

    codes = ("authz.apikey_not_active",)


class SecondFactorDisabled(Unauthenticated):
    """The key's owner has no second factor any more."""

    codes = ("authz.disabled_2fa",)
