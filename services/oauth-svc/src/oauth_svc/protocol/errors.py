"""The errors of OAuth, which have names of their own."""

from collections.abc import Mapping
from types import MappingProxyType

INVALID_REQUEST = "invalid_request"
INVALID_REQUEST_URI = "invalid_request_uri"
INVALID_CLIENT = "invalid_client"
INVALID_CLIENT_METADATA = "invalid_client_metadata"
INVALID_REDIRECT_URI = "invalid_redirect_uri"
INVALID_SOFTWARE_STATEMENT = "invalid_software_statement"
UNAPPROVED_SOFTWARE_STATEMENT = "unapproved_software_statement"
INVALID_GRANT = "invalid_grant"
INVALID_SCOPE = "invalid_scope"
INVALID_TARGET = "invalid_target"
INVALID_DPOP_PROOF = "invalid_dpop_proof"
USE_DPOP_NONCE = "use_dpop_nonce"
INVALID_TOKEN = "invalid_token"  # noqa: S105 - the name of an error
UNAUTHORIZED_CLIENT = "unauthorized_client"
UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
ACCESS_DENIED = "access_denied"
AUTHORIZATION_PENDING = "authorization_pending"
SLOW_DOWN = "slow_down"
EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of an error
LOGIN_REQUIRED = "login_required"
CONSENT_REQUIRED = "consent_required"
UNMET_AUTHENTICATION = "unmet_authentication_requirements"


class OAuthError(Exception):
    """A refusal that its caller gets as `error` and `error_description` (RFC 6749, 5.2).

    The description is ours: it repeats nothing that a client sent.
    """

    def __init__(
        self,
        error: str,
        description: str = "",
        *,
        status: int = 400,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers

    def parameters(self) -> dict[str, str]:
        """The members of the answer, or the parameters of the redirect."""
        found = {"error": self.error, "error_description": self.description}
        return {name: value for name, value in found.items() if value}


class InvalidClient(OAuthError):
    """The client is unknown, or did not show that it is the one (RFC 6749, 5.2)."""

    def __init__(self, description: str = "Client authentication failed.") -> None:
        super().__init__(
            INVALID_CLIENT,
            description,
            status=401,
            headers={"WWW-Authenticate": 'Basic realm="oauth", charset="UTF-8"'},
        )


class DirectError(OAuthError):
    """An error of an authorization request that never goes to a redirect URI (RFC 6749, 4.1.2.1).

    The client is unknown, or the redirect URI is not one of the client's: the error is shown to the
    person instead.
    """
