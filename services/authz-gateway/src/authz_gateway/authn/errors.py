"""Reasons why credentials are refused."""

from shared.errors import Invalid, Unauthenticated


class InvalidSession(Unauthenticated):
    """There is no valid session."""

    codes = ("authz.invalid_session",)


class MissingCsrfToken(Unauthenticated):
    """A call with an unsafe method has a session cookie but no CSRF token."""

    codes = ("authz.missing_csrf_token",)


class CsrfTokenMismatch(Unauthenticated):
    """The CSRF token does not belong to the session."""

    codes = ("authz.csrf_token_mismatch",)


class ClientSessionMismatch(Unauthenticated):
    """Another browser or another network opened the session."""

    codes = ("authz.client_session_mismatch",)


class UserNotActive(Unauthenticated):
    """The user's state forbids all calls."""

    codes = ("authz.user_not_active",)


class InvalidApiKeyHeaders(Invalid):
    """The headers of version 1 are incomplete, or there is also a message signature."""

    codes = ("authz.invalid_api_key_headers",)


class UnknownApiKey(Unauthenticated):
    """There is no API key with this id."""

    codes = ("authz.unexistent_apikey",)


class NonceNoTimestamp(Unauthenticated):
    """The nonce is not a positive integer."""

    codes = ("authz.nonce_not_valid_timestamp",)


class NonceExpired(Unauthenticated):
    """The nonce is too far in the past or in the future."""

    codes = ("authz.nonce_expired",)


class NonceUsed(Unauthenticated):
    """An earlier call used this nonce."""

    codes = ("authz.nonce_used",)


class InvalidSignature(Unauthenticated):
    """The signature was not made with the key."""

    codes = ("authz.invalid_signature",)


class MessageSignatureRequired(Unauthenticated):
    """The key accepts message signatures only (RFC 9421); the code is not one of Barong's."""

    codes = ("authz.message_signature_required",)


class InvalidSignatureInput(Invalid):
    """Signature-Input or Signature is malformed or too long, or lacks a required parameter."""

    codes = ("authz.invalid_signature_input",)


class InvalidComponent(Invalid):
    """The signature covers a component that is unknown, repeated, or not in the request."""

    codes = ("authz.invalid_component",)


class MissingComponent(Invalid):
    """The signature does not cover all required components."""

    codes = ("authz.missing_component",)


class InvalidContentDigest(Invalid):
    """Content-Digest is malformed, or has neither sha-256 nor sha-512."""

    codes = ("authz.invalid_content_digest",)


class ContentDigestMismatch(Unauthenticated):
    """The body does not match the signed digest."""

    codes = ("authz.content_digest_mismatch",)


class WrongSignatureAlgorithm(Unauthenticated):
    """`alg` differs from the algorithm of the key."""

    codes = ("authz.wrong_signature_algorithm",)


class SignatureExpired(Unauthenticated):
    """`created` is too far in the past or in the future, or `expires` has passed."""

    codes = ("authz.signature_expired",)


class ApiKeyNotActive(Unauthenticated):
    """The key is not active."""

    codes = ("authz.apikey_not_active",)


class SecondFactorDisabled(Unauthenticated):
    """The key's owner has disabled the second factor."""

    codes = ("authz.disabled_2fa",)
