"""Token exchange: which tokens may be exchanged, and what the new tokens are (RFC 8693)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oauth_svc.protocol.claims import OFFLINE_ACCESS, OPENID
from oauth_svc.protocol.client import Client
from oauth_svc.protocol.errors import INVALID_REQUEST, INVALID_SCOPE, INVALID_TARGET, OAuthError
from oauth_svc.protocol.parameters import Parameters

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
MAX_ACTORS = 5
"""How many APIs may stand one behind the other."""

_KEPT = ("iss", "sub", "auth_time", "acr", "amr")
_OF_THE_CLIENT_ALONE = (OPENID, OFFLINE_ACCESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """A request that was found sound: for which targets and scopes; no scopes means all."""

    subject_token: str = field(repr=False)
    targets: Sequence[str]
    scopes: Sequence[str]


def parse_exchange(parameters: Parameters, client: Client) -> ExchangeRequest:
    """What the client asks for; raises `OAuthError`.

    A target is named by `resource` or `audience`. Without one, the token would be for anybody.
    """
    token = parameters.require("subject_token")
    if parameters.require("subject_token_type") != ACCESS_TOKEN:
        raise OAuthError(INVALID_REQUEST, "subject_token_type has to be that of access tokens.")
    if parameters.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise OAuthError(INVALID_REQUEST, "Only access tokens are given.")
    if parameters.get("actor_token") is not None or parameters.get("actor_token_type") is not None:
        raise OAuthError(INVALID_REQUEST, "The actor is the client; actor_token is not supported.")
    audience = parameters.get("audience")
    targets = [*parameters.all("resource"), *([] if audience is None else [audience])]
    if not targets or not set(targets) <= set(client.exchange_resources):
        raise OAuthError(INVALID_TARGET, "The client may not exchange tokens for this target.")
    return ExchangeRequest(
        subject_token=token,
        targets=tuple(dict.fromkeys(targets)),
        scopes=parameters.words("scope"),
    )


def claims_of_exchange(
    request: ExchangeRequest,
    client: Client,
    subject: Mapping[str, Any],
    audience: Collection[str],
    scopes: Sequence[str],
    thumbprint: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The claims of the new token but `jti`; raises `OAuthError`.

    `subject`, `audience` and `scopes` are those of a token that is in force. It has to be the
    client's own, or meant for the client: a stolen token is worth nothing to others. The new one
    has no more scopes, lives no longer, and names who acts (RFC 8693, 4.1).

    `thumbprint` is that of the key which the request's proof shows, to which the new token is
    bound. A subject token that is bound to a key needs a proof of that key: without it, whoever
    stole the token could make a bearer token of it.
    """
    mine = subject["client_id"] == client.client_id
    if not mine and set(audience).isdisjoint(client.resources):
        raise OAuthError(INVALID_REQUEST, "The subject token is not meant for this client.")
    if "cnf" in subject and (thumbprint is None or subject["cnf"] != {"jkt": thumbprint}):
        raise OAuthError(
            INVALID_REQUEST, "The subject token is bound to a key, whose proof is missing."
        )
    actor = {"sub": client.client_id, **({"act": subject["act"]} if "act" in subject else {})}
    if _length(actor) > MAX_ACTORS:
        raise OAuthError(INVALID_REQUEST, "Too many have acted with this token.")
    allowed = [
        scope for scope in scopes if scope in client.scopes and scope not in _OF_THE_CLIENT_ALONE
    ]
    given = [scope for scope in allowed if not request.scopes or scope in request.scopes]
    if not given or not set(request.scopes) <= set(allowed):
        raise OAuthError(INVALID_SCOPE, "The subject token, or the client, has not this scope.")
    issued = int(now.timestamp())
    return {
        **{name: subject[name] for name in _KEPT if name in subject},
        "iat": issued,
        "exp": min(issued + client.access_token_seconds, int(subject["exp"])),
        "aud": request.targets[0] if len(request.targets) == 1 else list(request.targets),
        "client_id": client.client_id,
        "scope": " ".join(given),
        "act": actor,
        **({} if thumbprint is None else {"cnf": {"jkt": thumbprint}}),
    }


def _length(actor: Mapping[str, Any]) -> int:
    length = 0
    inner: Any = actor
    while isinstance(inner, Mapping):
        length, inner = length + 1, inner.get("act")
    return length
