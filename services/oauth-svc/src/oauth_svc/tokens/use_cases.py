"""Issuing, refreshing, inspecting and revoking tokens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter

from oauth_svc.clients.models import digest_of
from oauth_svc.core import Core
from oauth_svc.dpop.use_cases import challenge
from oauth_svc.protocol.authorization import AuthorizationRequest, Login, resources_of
from oauth_svc.protocol.claims import OFFLINE_ACCESS, OPENID, claims_of, names_for
from oauth_svc.protocol.client import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    REFRESH_TOKEN,
    Client,
)
from oauth_svc.protocol.errors import (
    INVALID_DPOP_PROOF,
    INVALID_GRANT,
    INVALID_SCOPE,
    INVALID_TOKEN,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT_TYPE,
    OAuthError,
)
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.protocol.redemption import (
    CODE_SECONDS,
    BoundCode,
    Use,
    audience,
    narrowed,
    remaining,
    require_redeemable,
    use_of_refresh_token,
)
from oauth_svc.tokens import store
from oauth_svc.tokens.events import tokens_revoked
from oauth_svc.tokens.models import (
    ACCESS_TOKEN_TYPE,
    ID_TOKEN_TYPE,
    AccessToken,
    Grant,
    new_token,
    token_id,
)
from oauth_svc.tokens.people import People
from oauth_svc.tokens.verifier import AccessTokenVerifier
from shared.batch_loader import BatchLoader
from shared.clients.identity import IdentityClient
from shared.database.pool import Connection, Database
from shared.errors import NotFound, UserNotActive
from shared.messaging.outbox import Outbox

log = structlog.get_logger()

_SWEPT_AT_ONCE = 1000
_GRANTS_PER_QUERY = 50
REPLAYED_CODE, REPLAYED_REFRESH_TOKEN = "code", "refresh_token"

Exchange: TypeAlias = Callable[[Client, Parameters, str | None], Awaitable[dict[str, Any]]]
"""Gives an authenticated client tokens for what its request has; raises `OAuthError`.

The tokens are bound to the key with this thumbprint, which the request's proof shows.
"""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counters of tokens."""

    issued: Counter
    replayed: Counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens belong to a grant, and end with it."""

    database: Database
    outbox: Outbox
    identity: IdentityClient
    people: People
    access_tokens: AccessTokenVerifier
    living_grants: BatchLoader[UUID, Grant | None]
    metrics: Metrics
    issuer: str
    grant_seconds: int
    grace: timedelta
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    """Grant types of other features."""

    async def authorize(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        client: Client,
        login: Login,
        scopes: Sequence[str],
    ) -> str:
        """A code for what a user has authorized, as a step of a transaction."""
        waits = timedelta(seconds=CODE_SECONDS)
        grant = await self.open_grant(
            connection,
            client,
            login,
            scopes,
            request.resources,
            waits,
            nonce=request.nonce,
            claims=request.claims.to_json(),
        )
        code = new_token()
        bound = BoundCode(
            client_id=client.client_id,
            redirect_uri=request.redirect_uri if request.redirect_uri_given else None,
            code_challenge=request.code_challenge,
            expires_at=datetime.now(UTC) + waits,
            thumbprint=request.dpop_jkt,
        )
        await store.insert_code(connection, digest_of(code), grant.id, bound)
        return code

    async def open_grant(
        self,
        connection: Connection,
        client: Client,
        login: Login,
        scopes: Sequence[str],
        resources: Sequence[str],
        waits: timedelta,
        *,
        nonce: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> Grant:
        """What a user has authorized, as a step of a transaction.

        `waits` is how long the client may take to fetch its tokens.
        """
        grant = Grant(
            id=uuid4(),
            client_id=client.client_id,
            uid=login.uid,
            sid=login.sid,
            scopes=tuple(scopes),
            resources=tuple(resources),
            auth_time=login.at,
            acr=login.acr,
            amr=login.amr,
            nonce=nonce,
            claims=claims or {},
            expires_at=datetime.now(UTC) + self._life_of_grant(client, scopes, waits),
            revoked_at=None,
        )
        await store.insert_grant(connection, grant)
        return grant

    def add_grant_type(self, grant_type: str, exchange: Exchange) -> None:
        """Lets the token endpoint serve a grant type of another feature."""
        self.exchanges[grant_type] = exchange
        self.metrics.issued.labels(grant_type)  # exported as 0 from the start

    async def issue(
        self, client: Client, parameters: Parameters, thumbprint: str | None
    ) -> dict[str, Any]:
        """The answer of the token endpoint to an authenticated client; raises `OAuthError`.

        `thumbprint` is that of the key that the request's proof shows, None without a proof.
        """
        grant_type = parameters.require("grant_type")
        exchange = {
            AUTHORIZATION_CODE: self._redeem,
            REFRESH_TOKEN: self._refresh,
            CLIENT_CREDENTIALS: self._machine,
            **self.exchanges,
        }.get(grant_type)
        if exchange is None:
            raise OAuthError(UNSUPPORTED_GRANT_TYPE, "There is no such grant type here.")
        if grant_type not in client.grant_types:
            raise OAuthError(UNAUTHORIZED_CLIENT, "The client may not use this grant type.")
        if client.dpop_bound_access_tokens and thumbprint is None:
            raise OAuthError(INVALID_DPOP_PROOF, "The client has to prove that it has a key.")
        answer = await exchange(client, parameters, thumbprint)
        self.metrics.issued.labels(grant_type).inc()
        return answer

    async def _redeem(
        self, client: Client, parameters: Parameters, thumbprint: str | None
    ) -> dict[str, Any]:
        """Exchanges a code. A second exchange revokes what the first one gave (RFC 6749, 4.1.2)."""
        digest, now = digest_of(parameters.require("code")), datetime.now(UTC)
        async with self.database.connection() as connection:
            found = await store.find_code(connection, digest)
        if found is None:
            raise invalid_grant()
        grant = found.grant
        if not found.used:
            require_redeemable(found.bound, client.client_id, parameters, now, thumbprint)

            async def use_up(connection: Connection) -> bool:
                return await store.use_code(connection, digest)

            answer = await self.give_tokens(grant, client, parameters, thumbprint, use_up)
            if answer is not None:
                return answer
        if found.bound.client_id == client.client_id:
            await self.end_replayed(grant, REPLAYED_CODE)
        raise invalid_grant()

    async def give_tokens(
        self,
        grant: Grant,
        client: Client,
        parameters: Parameters,
        thumbprint: str | None,
        use_up: Callable[[Connection], Awaitable[bool]],
    ) -> dict[str, Any] | None:
        """The first tokens of a grant, for a code that works once.

        `use_up` uses the code up, and says whether nobody had used it; None is returned if somebody
        had. Raises `OAuthError`.
        """
        now = datetime.now(UTC)
        _require_living(grant, now)
        scopes = remaining(grant.scopes, client.scopes)
        audiences = self._audiences(client, parameters, grant)
        answer = await self._tokens(grant, client, scopes, audiences, now, thumbprint)
        async with self.database.transaction() as connection:
            if not await use_up(connection):
                return None
            await self._require_unrevoked(connection, grant)
            if OFFLINE_ACCESS in scopes:
                answer |= await self._new_refresh_token(connection, grant, client, now, thumbprint)
        return answer

    async def _refresh(
        self, client: Client, parameters: Parameters, thumbprint: str | None
    ) -> dict[str, Any]:
        """Exchanges a refresh token for another one, with an access token."""
        digest = digest_of(parameters.require("refresh_token"))
        async with self.database.connection() as connection:
            found = await store.find_refresh_token(connection, digest)
        if found is None or found.grant.client_id != client.client_id:
            raise invalid_grant()
        if found.thumbprint not in (None, thumbprint):
            raise invalid_grant()
        grant, now = found.grant, datetime.now(UTC)
        use = use_of_refresh_token(found.used_at, found.expires_at, now, self.grace)
        if use is Use.EXPIRED or grant.revoked_at is not None:
            raise invalid_grant()
        if use is not Use.REPLAYED:
            scopes = remaining(grant.scopes, client.scopes)
            scopes = narrowed(parameters.words("scope"), scopes)
            audiences = self._audiences(client, parameters, grant)
            _require_living(grant, now)
            answer = await self._tokens(
                grant, client, scopes, audiences, now, thumbprint, refreshed=True
            )
            async with self.database.transaction() as connection:
                # Another use of it may have come between.
                locked = await store.find_refresh_token(connection, digest, for_update=True)
                if locked is None or locked.grant.revoked_at is not None:
                    raise invalid_grant()
                now = datetime.now(UTC)
                use = use_of_refresh_token(locked.used_at, locked.expires_at, now, self.grace)
                if use in (Use.FIRST, Use.REPEATED):
                    await store.use_refresh_token(connection, digest, now)
                    return answer | await self._new_refresh_token(
                        connection, grant, client, now, thumbprint
                    )
        await self.end_replayed(grant, REPLAYED_REFRESH_TOKEN)
        raise invalid_grant()

    async def _require_unrevoked(self, connection: Connection, grant: Grant) -> None:
        """Raises `OAuthError` if somebody revoked the grant while its tokens were signed."""
        current = await store.find_grant(connection, grant.id)
        if current is None or current.revoked_at is not None:
            raise invalid_grant()

    def _audiences(self, client: Client, parameters: Parameters, grant: Grant) -> list[str]:
        resources = remaining(grant.resources, client.resources)
        return audience(resources_of(parameters, client), resources, self.issuer)

    async def _machine(
        self, client: Client, parameters: Parameters, thumbprint: str | None
    ) -> dict[str, Any]:
        """An access token for the client itself (RFC 6749, 4.4)."""
        asked = parameters.words("scope")
        allowed = [scope for scope in client.scopes if scope not in (OPENID, OFFLINE_ACCESS)]
        if not set(asked) <= set(allowed):
            raise OAuthError(INVALID_SCOPE, "The client may not ask for one of these scopes.")
        now = datetime.now(UTC)
        resources = resources_of(parameters, client)
        grant = Grant(
            id=uuid4(),
            client_id=client.client_id,
            uid=None,
            sid=None,
            scopes=asked or tuple(allowed),
            resources=resources,
            auth_time=None,
            acr=None,
            amr=(),
            nonce=None,
            claims={},
            expires_at=now + timedelta(seconds=client.access_token_seconds),
            revoked_at=None,
        )
        audiences = audience(resources, resources, self.issuer)
        answer = await self._tokens(grant, client, grant.scopes, audiences, now, thumbprint)
        async with self.database.connection() as connection:
            await store.insert_grant(connection, grant)
        return answer

    async def _tokens(
        self,
        grant: Grant,
        client: Client,
        scopes: Sequence[str],
        audiences: Sequence[str],
        now: datetime,
        thumbprint: str | None,
        *,
        refreshed: bool = False,
    ) -> dict[str, Any]:
        """The access token, and the ID token where `openid` was granted.

        The access token is bound to the key with this thumbprint (RFC 9449, 6.1).
        """
        common = _without_nones(
            {
                "iss": self.issuer,
                "sub": grant.uid or client.client_id,
                "iat": int(now.timestamp()),
                "exp": int(now.timestamp()) + client.access_token_seconds,
                "auth_time": int(grant.auth_time.timestamp()) if grant.auth_time else None,
                "acr": grant.acr,
                "amr": list(grant.amr) or None,
            }
        )
        access = {
            **common,
            "jti": token_id(grant.id),
            "aud": audiences[0] if len(audiences) == 1 else list(audiences),
            "client_id": client.client_id,
            "scope": " ".join(scopes),
            **({} if thumbprint is None else {"cnf": {"jkt": thumbprint}}),
        }
        wanted: list[tuple[str, dict[str, Any]]] = [(ACCESS_TOKEN_TYPE, access)]
        if OPENID in scopes and grant.uid is not None:
            own = {"aud": client.client_id, "azp": client.client_id, "sid": grant.sid}
            nonce = None if refreshed else grant.nonce  # Core, 12.2
            asked = await self._asked_claims(grant)
            wanted.append(
                (ID_TOKEN_TYPE, _without_nones({**common, **asked, **own, "nonce": nonce}))
            )
        signed = await self._signed(wanted, grant.uid)
        answer: dict[str, Any] = {
            "access_token": signed[0],
            "token_type": token_type(thumbprint),
            "expires_in": client.access_token_seconds,
            "scope": " ".join(scopes),
        }
        return answer | ({"id_token": signed[1]} if len(signed) > 1 else {})

    async def _signed(
        self, tokens: Sequence[tuple[str, Mapping[str, Any]]], uid: str | None
    ) -> Sequence[str]:
        """Signed tokens; raises `OAuthError` if they are for a user who may not act, or is gone.

        The event that ends the grants of such a user may be on its way.
        """
        try:
            return await self.identity.sign_tokens(tokens, uid)
        except (NotFound, UserNotActive):
            raise invalid_grant() from None

    async def _asked_claims(self, grant: Grant) -> dict[str, Any]:
        """The claims that were asked for in the ID token by name; scopes give them at userinfo."""
        names = names_for((), grant.claims.get("id_token", ()))
        if not names or grant.uid is None:
            return {}
        person = await self.people.find(grant.uid, with_attachments=True)
        if person is None:
            raise invalid_grant()
        return claims_of(person, names)

    async def _new_refresh_token(
        self,
        connection: Connection,
        grant: Grant,
        client: Client,
        now: datetime,
        thumbprint: str | None,
    ) -> dict[str, Any]:
        """A refresh token; a public client's is bound to its key (RFC 9449, 5)."""
        token, key = new_token(), None if client.confidential else thumbprint
        ends = min(now + timedelta(seconds=client.refresh_token_seconds), grant.expires_at)
        await store.insert_refresh_token(connection, digest_of(token), grant.id, ends, key)
        return {"refresh_token": token}

    def _life_of_grant(self, client: Client, scopes: Sequence[str], waits: timedelta) -> timedelta:
        if OFFLINE_ACCESS in scopes:
            return timedelta(seconds=self.grant_seconds)
        return waits + timedelta(seconds=client.access_token_seconds)

    async def end_replayed(self, grant: Grant, what: str) -> None:
        """Ends all tokens of the grant, because two parties have a code or refresh token of it."""
        async with self.database.transaction() as connection:
            await self.revoke(connection, grant_id=grant.id)
        self.metrics.replayed.labels(what).inc()
        log.warning("oauth_replay", what=what, client_id=grant.client_id, uid=grant.uid)

    async def revoke(
        self,
        connection: Connection,
        *,
        grant_id: UUID | None = None,
        uid: str | None = None,
        client_id: str | None = None,
        sid: str | None = None,
        online_only: bool = False,
    ) -> None:
        """Ends the grants that meet all conditions, in the transaction of the cause."""
        for grant in await store.revoke(
            connection,
            grant_id=grant_id,
            uid=uid,
            client_id=client_id,
            sid=sid,
            online_only=online_only,
        ):
            await self.outbox.add(connection, tokens_revoked(grant))

    async def find_living_grant(self, grant_id: UUID) -> Grant | None:
        """The grant; None if there is none, or it was revoked."""
        return await self.living_grants.get(grant_id)

    async def derive(self, parent: Grant, client: Client, claims: Mapping[str, Any]) -> str | None:
        """An access token for another client, made of a token of the parent, and ending with it.

        `claims` are those of the new token without `jti`. None if the parent has ended meanwhile,
        or its user may not act.
        """
        audiences = claims["aud"]
        grant = replace(
            parent,
            id=uuid4(),
            client_id=client.client_id,
            sid=None,  # its session is that of the parent
            scopes=tuple(claims["scope"].split()),
            resources=(audiences,) if isinstance(audiences, str) else tuple(audiences),
            nonce=None,
            claims={},
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            parent_id=parent.id,
        )
        access = {**claims, "jti": token_id(grant.id)}
        try:
            [token] = await self.identity.sign_tokens([(ACCESS_TOKEN_TYPE, access)], parent.uid)
        except (NotFound, UserNotActive):
            return None
        async with self.database.transaction() as connection:
            if not await store.lock_grant(connection, parent.id):
                return None
            await store.insert_grant(connection, grant)
        return token

    async def list_clients_of(
        self, connection: Connection, uid: str, sid: str | None
    ) -> Sequence[tuple[str, str]]:
        """The clients and sessions for which a user was given grants, in one session or in all."""
        return await store.clients_of_session(connection, uid, sid)

    async def forget(self, connection: Connection, uid: str) -> None:
        """Deletes everything that an erased user had authorized."""
        await self.revoke(connection, uid=uid)
        await store.delete_user(connection, uid)

    async def verify(self, token: str) -> AccessToken | None:
        """The claims of an access token of ours that has not expired; None for any other text."""
        return await self.access_tokens.verify(token)

    async def introspect(self, client: Client, token: str) -> dict[str, Any]:
        """What a client may know about a token (RFC 7662): of its own, or of those meant for it."""
        inactive = {"active": False}
        found = await self.verify(token)
        if found is None:
            return await self._introspect_refresh_token(client, token) or inactive
        mine = found.client_id == client.client_id
        if not mine and set(found.audience).isdisjoint(client.resources):
            return inactive
        if await self.find_living_grant(found.grant_id) is None:
            return inactive
        told = (
            *("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "auth_time", "acr"),
            *("act", "cnf"),
        )
        shown = {name: found.claims[name] for name in told if name in found.claims}
        return {"active": True, "token_type": token_type(found.thumbprint), **shown}

    async def _introspect_refresh_token(self, client: Client, token: str) -> dict[str, Any] | None:
        async with self.database.connection() as connection:
            found = await store.find_refresh_token(connection, digest_of(token))
        now = datetime.now(UTC)
        if (
            found is None
            or found.grant.client_id != client.client_id
            or found.grant.revoked_at is not None
            or found.used_at is not None
            or now >= min(found.expires_at, found.grant.expires_at)
        ):
            return None
        return {
            "active": True,
            "iss": self.issuer,
            "sub": found.grant.uid,
            "client_id": client.client_id,
            "scope": " ".join(found.grant.scopes),
            "exp": int(found.expires_at.timestamp()),
        }

    async def give_back(self, client: Client, token: str) -> None:
        """Revokes the grant of a token (RFC 7009); a text that is no token changes nothing.

        Raises `OAuthError` if the token is another client's.
        """
        found = await self.verify(token)
        async with self.database.transaction() as connection:
            if found is not None:
                grant = await store.find_grant(connection, found.grant_id)
            else:
                stored = await store.find_refresh_token(connection, digest_of(token))
                grant = None if stored is None else stored.grant
            if grant is None:
                return
            if grant.client_id != client.client_id:
                raise OAuthError(UNAUTHORIZED_CLIENT, "The token is another client's.")
            await self.revoke(connection, grant_id=grant.id)

    async def user_claims(self, token: str, thumbprint: str | None) -> dict[str, Any]:
        """The claims that an access token gives at userinfo (Core, 5.3); raises `OAuthError`.

        `thumbprint` is that of the key whose proof came with the token, None for a bearer token.
        """
        found = await self.verify(token)
        if (None if found is None else found.thumbprint) != thumbprint:
            raise _not_proven()
        grant = None
        if found is not None and self.issuer in found.audience:
            grant = await self.find_living_grant(found.grant_id)
        if found is None or grant is None or grant.uid is None:
            raise _refused(401, INVALID_TOKEN, "The access token is not valid.", thumbprint)
        if OPENID not in found.scopes:
            raise _refused(403, "insufficient_scope", "The scope openid is missing.", thumbprint)
        names = names_for(found.scopes, grant.claims.get("userinfo", ()))
        person = await self.people.find(grant.uid, with_attachments=bool(names))
        if person is None:
            raise _refused(401, INVALID_TOKEN, "The user may not act.", thumbprint)
        return {"sub": grant.uid, **claims_of(person, names)}

    async def sweep(self) -> None:
        """Deletes grants, codes and refresh tokens that have ended."""
        async with self.database.connection() as connection:
            while await store.delete_expired(connection, _SWEPT_AT_ONCE):
                pass
            while await store.delete_expired_refresh_tokens(connection, _SWEPT_AT_ONCE):
                pass


def _require_living(grant: Grant, now: datetime) -> None:
    """Raises `OAuthError` for a token that was revoked, has ended, or is a machine's."""
    if grant.revoked_at is not None or now >= grant.expires_at or grant.uid is None:
        raise invalid_grant()


def invalid_grant() -> OAuthError:
    """A token that is not valid; the answer does not say why."""
    return OAuthError(INVALID_GRANT, "The code or refresh token is not valid.")


def _refused(status: int, error: str, description: str, thumbprint: str | None) -> OAuthError:
    """A refusal at userinfo, in the scheme of the token (RFC 6750, 3; RFC 9449, 7.1)."""
    shown = f'Bearer error="{error}", error_description="{description}"'
    headers = {"WWW-Authenticate": shown if thumbprint is None else challenge(error)}
    return OAuthError(error, description, status=status, headers=headers)


def _not_proven() -> OAuthError:
    """A bound token came without the proof of its key, or a bearer token with one."""
    description = "The access token is not bound to the key of a proof."
    headers = {"WWW-Authenticate": challenge(INVALID_TOKEN)}
    return OAuthError(INVALID_TOKEN, description, status=401, headers=headers)


def token_type(thumbprint: str | None) -> str:
    """RFC 9449, 5."""
    return "Bearer" if thumbprint is None else "DPoP"


def _without_nones(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _living_grants(database: Database) -> BatchLoader[UUID, Grant | None]:
    """Reads grants in force; calls that come at the same time share a query."""

    async def load(ids: Sequence[UUID]) -> Sequence[Grant | None]:
        async with database.connection() as connection:
            found = await store.find_living_grants(connection, ids)
        return [found.get(each) for each in ids]

    return BatchLoader(load, _GRANTS_PER_QUERY, "postgresql")


def build(core: Core) -> Tokens:
    """Wires the feature."""
    metrics = Metrics(
        issued=Counter(
            "oauth_tokens_issued",
            "Answers with tokens, by grant type.",
            ("grant_type",),
            registry=core.registry,
        ),
        replayed=Counter(
            "oauth_replays",
            "Codes and refresh tokens that were used again, which ended their grant.",
            ("what",),
            registry=core.registry,
        ),
    )
    for grant_type in (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS):
        metrics.issued.labels(grant_type)  # exported as 0 from the start
    for what in (REPLAYED_CODE, REPLAYED_REFRESH_TOKEN):
        metrics.replayed.labels(what)
    settings = core.settings
    return Tokens(
        database=core.database,
        outbox=core.outbox,
        identity=core.identity,
        people=People(core.identity, core.resource),
        access_tokens=AccessTokenVerifier(core.keys, settings.issuer),
        living_grants=_living_grants(core.database),
        metrics=metrics,
        issuer=settings.issuer,
        grant_seconds=settings.grant_seconds,
        grace=timedelta(seconds=settings.refresh_grace),
    )
