"""What clients read to configure themselves (OpenID Connect Discovery 1.0, RFC 8414)."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from oauth_svc.clients.assertions import ALGORITHMS
from oauth_svc.protocol.claims import CLAIMS, STANDARD_SCOPES
from oauth_svc.protocol.client import AUTHENTICATION_METHODS, GRANT_TYPES, NONE
from oauth_svc.protocol.pkce import S256
from shared.contracts.authentication import LEVELS
from shared.tokens.bearer import ALGORITHM
from shared.tokens.dpop import ALGORITHMS as DPOP_ALGORITHMS
from shared.web.answers import answer
from shared.web.operations import NoParameters

METADATA: web.AppKey[Mapping[str, Any]] = web.AppKey("metadata", Mapping)
"""What is shown: `provider_metadata`, and what is switched on besides."""


async def metadata(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /.well-known/openid-configuration and /.well-known/oauth-authorization-server."""
    return answer(request.app[METADATA], headers={"Cache-Control": "public, max-age=300"})


def provider_metadata(issuer: str) -> dict[str, Any]:
    """What every provider supports that runs this code."""
    confidential = [method for method in AUTHENTICATION_METHODS if method != NONE]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "require_pushed_authorization_requests": False,
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "scopes_supported": list(STANDARD_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        "code_challenge_methods_supported": [S256],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "sid",
            *CLAIMS,
        ],
        "acr_values_supported": list(LEVELS),
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": ["en", "de"],
    }
