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
    """The headers of version 1 are not complete, or stand beside a message signature."""

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


class MessageSignatureRequired(Unauthenticated):
    """The key is for message signatures only (RFC 9421); a code of ours, as are the next ones."""

    codes = ("authz.message_signature_required",)


class InvalidSignatureInput(Invalid):
    """Signature-Input or Signature cannot be read, is too long, or lacks what we require."""

    codes = ("authz.invalid_signature_input",)


class InvalidComponent(Invalid):
    """The signature covers what is unknown, not offered, named twice, or not in the request."""

    codes = ("authz.invalid_component",)


class MissingComponent(Invalid):
    """The signature does not cover all that it has to."""

    codes = ("authz.missing_component",)


class InvalidContentDigest(Invalid):
    """Content-Digest cannot be read, or has neither sha-256 nor sha-512."""

    codes = ("authz.invalid_content_digest",)


class ContentDigestMismatch(Unauthenticated):
    """The body is not the one that was signed."""

    codes = ("authz.content_digest_mismatch",)


class WrongSignatureAlgorithm(Unauthenticated):
    """`alg` names another algorithm than that of the key."""

    codes = ("authz.wrong_signature_algorithm",)


class SignatureExpired(Unauthenticated):
    """`created` is too far from this moment, or `expires` is over."""

    codes = ("authz.signature_expired",)


class ApiKeyNotActive(Unauthenticated):
    """The key is switched off."""

    codes = ("authz.apikey_not_active",)


class SecondFactorDisabled(Unauthenticated):
    """The key's owner has no second factor any more."""

    codes = ("authz.disabled_2fa",)
