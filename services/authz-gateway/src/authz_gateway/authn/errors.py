"""Why credentials do not let a call pass."""

from shared.errors import Invalid, Unauthenticated


class InvalidSession(Unauthenticated):
    """There is no living session."""

    codes = ("authz.invalid_session",)


class MissingCsrfToken(Unauthenticated):
    """A call that changes something comes with a cookie only."""

    codes = ("authz.missing_csrf_token",)


class CsrfTokenMismatch(Unauthenticated):
    """The CSRF token is not the session's."""

    codes = ("authz.csrf_token_mismatch",)


class ClientSessionMismatch(Unauthenticated):
    """The session was opened by another browser, or from another network."""

    codes = ("authz.client_session_mismatch",)


class UserNotActive(Unauthenticated):
    """The user's state forbids every call."""

    codes = ("authz.user_not_active",)


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
