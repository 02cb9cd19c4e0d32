"""Exchanges a token that an API was sent for one with which it calls another API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oauth_svc.protocol.client import TOKEN_EXCHANGE, Client
from oauth_svc.protocol.errors import INVALID_REQUEST, OAuthError
from oauth_svc.protocol.exchange import ACCESS_TOKEN, claims_of_exchange, parse_exchange
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.tokens.use_cases import Tokens, token_type


@dataclass(frozen=True, slots=True)
class Exchanges:
    """An exchange makes a grant of its own, which ends with the grant of the token."""

    tokens: Tokens

    async def exchange(
        self, client: Client, parameters: Parameters, thumbprint: str | None
    ) -> dict[str, Any]:
        """The answer of the token endpoint; raises `OAuthError`. There is no refresh token.

        The new token is bound to the key with this thumbprint, which the request's proof shows.
        """
        request = parse_exchange(parameters, client)
        subject = await self.tokens.verify(request.subject_token)
        if subject is None:
            raise _invalid()
        parent = await self.tokens.find_living_grant(subject.grant_id)
        # A machine calls another API with a token of its own.
        if parent is None or parent.uid is None:
            raise _invalid()
        claims = claims_of_exchange(
            request,
            client,
            subject.claims,
            subject.audience,
            subject.scopes,
            thumbprint,
            datetime.now(UTC),
        )
        token = await self.tokens.derive(parent, client, claims)
        if token is None:
            raise _invalid()
        return {
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": token_type(thumbprint),
            "expires_in": claims["exp"] - claims["iat"],
            "scope": claims["scope"],
        }


def _invalid() -> OAuthError:
    """RFC 8693, 2.2.2."""
    return OAuthError(INVALID_REQUEST, "The subject token is not one of a user, or has ended.")


def build(tokens: Tokens) -> Exchanges:
    """Wires the feature, and serves its grant type at the token endpoint."""
    made = Exchanges(tokens)
    tokens.add_grant_type(TOKEN_EXCHANGE, made.exchange)
    return made
