"""Answers authorization requests: by a code, an error, or a page on which the user goes on."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import jwt

from oauth_svc.authorizations import store
from oauth_svc.authorizations.models import (
    ACCEPT,
    CONSENT,
    LOGIN,
    Challenge,
    ChallengeNotFound,
    LoginRequired,
    NothingToConsent,
    Shown,
    WrongCsrfToken,
)
from oauth_svc.clients.models import digest_of
from oauth_svc.clients.use_cases import Clients
from oauth_svc.consents.use_cases import Consents
from oauth_svc.core import Core
from oauth_svc.protocol.authorization import (
    AuthorizationRequest,
    Decision,
    Granted,
    NeedsConsent,
    NeedsLogin,
    Progress,
    answer_uri,
    client_id_of,
    decide,
    parse,
    redirect_uri_of,
)
from oauth_svc.protocol.client import Client
from oauth_svc.protocol.errors import (
    ACCESS_DENIED,
    INVALID_REQUEST,
    INVALID_REQUEST_URI,
    DirectError,
    OAuthError,
)
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.protocol.pushed_requests import (
    PUSHED_SECONDS,
    parse_pushed,
    reference_of,
    uri_of,
)
from oauth_svc.single_sign_on.use_cases import BrowserSession
from oauth_svc.tokens.models import new_token
from oauth_svc.tokens.use_cases import Tokens
from shared.contracts.authentication import LEVELS
from shared.database.pool import Connection, Database
from shared.tokens.bearer import ALGORITHM
from shared.tokens.key_set import KeySet, UnknownKeyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizations:
    """Authorization requests of all clients; `login_url` and `consent_url` are where users go."""

    database: Database
    clients: Clients
    tokens: Tokens
    consents: Consents
    keys: KeySet
    issuer: str
    login_url: str
    consent_url: str
    challenge_life: timedelta
    challenge_limit: int

    async def begin(self, parameters: Parameters, session: BrowserSession | None) -> str:
        """Where the browser goes; raises `DirectError`, which is shown to the user."""
        client = await self.clients.find(client_id_of(parameters))
        if client is None:
            raise DirectError(INVALID_REQUEST, "There is no such client.")
        reference = reference_of(parameters)
        if reference is not None:
            request = await self._take_pushed(reference, client)
            return await self._answered(request, client, session)
        redirect_uri, _ = redirect_uri_of(parameters, client)
        try:
            request = await self._with_hint(parse(parameters, client), parameters)
        except OAuthError as error:
            return self._unasked_refusal(client, redirect_uri, _state_of(parameters), error)
        return await self._answered(request, client, session)

    async def push(self, client: Client, parameters: Parameters, thumbprint: str | None) -> str:
        """Stores a request of an authenticated client; returns its `request_uri`.

        `thumbprint` is that of the key that the client's proof shows, None without a proof. Raises
        `OAuthError`, for the client.
        """
        request = await self._with_hint(parse_pushed(parameters, client, thumbprint), parameters)
        reference = new_token()
        async with self.database.transaction() as connection:
            await store.insert_pushed(
                connection, digest_of(reference), request, timedelta(seconds=PUSHED_SECONDS)
            )
            await store.keep_newest(
                connection, "pushed_requests", client.client_id, self.challenge_limit
            )
        return uri_of(reference)

    async def _take_pushed(self, reference: str, client: Client) -> AuthorizationRequest:
        """The request behind a reference, which is used up; raises `DirectError`."""
        async with self.database.connection() as connection:
            request = await store.take_pushed(connection, digest_of(reference), client.client_id)
        if request is None or not client.redirects_to(request.redirect_uri):
            raise DirectError(INVALID_REQUEST_URI, "request_uri has expired, or was used before.")
        return request

    async def _answered(
        self, request: AuthorizationRequest, client: Client, session: BrowserSession | None
    ) -> str:
        """Where the browser goes: to the client, or to a page."""
        try:
            progress = Progress(began=datetime.now(UTC), seen=session.login.at if session else None)
            async with self.database.transaction() as connection:
                decision = await self._decide(connection, request, client, session, progress)
                if isinstance(decision, Granted):
                    return await self._grant(connection, request, client, decision)
                challenge = new_token()
                await store.insert(
                    connection,
                    digest_of(challenge),
                    request,
                    progress.seen,
                    progress.began + self.challenge_life,
                )
                await store.keep_newest(
                    connection, "challenges", client.client_id, self.challenge_limit
                )
            return self._page(challenge, decision)
        except OAuthError as error:
            return self._unasked_refusal(client, request.redirect_uri, request.state, error)

    async def resume(self, challenge: str, session: BrowserSession | None) -> str:
        """Where the browser goes after a page; raises `ChallengeNotFound` or `DirectError`.

        It continues for the browser whose session logged in or consented, and for no other.
        """
        digest = digest_of(challenge)
        async with self.database.transaction() as connection:
            found, client = await self._get(connection, digest, for_update=True)
            request = found.request
            try:
                decision = await self._decide(connection, request, client, session, found.progress)
            except OAuthError as error:
                await store.delete(connection, digest)
                return self._unasked_refusal(client, request.redirect_uri, request.state, error)
            if isinstance(decision, Granted):
                await store.delete(connection, digest)
                return await self._grant(connection, request, client, decision)
        return self._page(challenge, decision)

    async def get(self, challenge: str, session: BrowserSession | None) -> Shown:
        """What the challenge asks of the user next; raises `ChallengeNotFound`."""
        async with self.database.connection() as connection:
            found, client = await self._get(connection, digest_of(challenge))
            try:
                decision = await self._decide(
                    connection, found.request, client, session, found.progress
                )
            except OAuthError:
                return Shown(challenge=found, client=client, kind=None)
        return Shown(challenge=found, client=client, kind=_kind(decision))

    async def answer(
        self, challenge: str, kind: str, action: str, session: BrowserSession | None, csrf: str
    ) -> str:
        """Accepts or refuses a challenge; returns where the browser goes on.

        Raises `ChallengeNotFound`, `LoginRequired`, `WrongCsrfToken` or `NothingToConsent`.
        """
        digest = digest_of(challenge)
        async with self.database.transaction() as connection:
            found, client = await self._get(connection, digest, for_update=True)
            request = found.request
            if action != ACCEPT:
                await store.delete(connection, digest)
                error = OAuthError(ACCESS_DENIED, "The user refused.")
                return self._refusal(request.redirect_uri, request.state, error)
            if session is None:
                raise LoginRequired
            if not session.has_token(csrf):
                raise WrongCsrfToken
            try:
                decision = await self._decide(connection, request, client, session, found.progress)
            except OAuthError:
                return self.resume_url(challenge)  # which gives the client the error
            if isinstance(decision, NeedsLogin):
                raise LoginRequired
            if kind == CONSENT:
                if not isinstance(decision, NeedsConsent):
                    raise NothingToConsent
                uid = session.login.uid
                await self.consents.grant(connection, uid, client.client_id, request.scopes)
                await store.consent(connection, digest, session.login.sid)
        return self.resume_url(challenge)

    def resume_url(self, challenge: str) -> str:
        """Where the browser goes on after a page."""
        return answer_uri(f"{self.issuer}/oauth/authorize/resume", {"challenge": challenge})

    async def sweep(self) -> None:
        """Deletes challenges and pushed requests that have expired."""
        async with self.database.connection() as connection:
            await store.delete_expired(connection)

    async def hinted(self, id_token: str, client_id: str | None) -> dict[str, str] | None:
        """The claims of an ID token that we issued to the client, expired or not; None for others.

        Without a client, that to whom it was issued counts.
        """
        try:
            header = jwt.get_unverified_header(id_token)
            if header.get("typ") != "JWT":
                return None
            claims: dict[str, str] = jwt.decode(
                id_token,
                await self.keys.key(str(header.get("kid"))),
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                audience=client_id,
                options={
                    "require": ["sub", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_aud": client_id is not None,
                },
            )
        except (jwt.InvalidTokenError, UnknownKeyError, ValueError):
            return None
        return claims

    async def _with_hint(
        self, request: AuthorizationRequest, parameters: Parameters
    ) -> AuthorizationRequest:
        hint = parameters.get("id_token_hint")
        if hint is None:
            return request
        claims = await self.hinted(hint, request.client_id)
        if claims is None:
            raise OAuthError(INVALID_REQUEST, "id_token_hint is no ID token for this client.")
        return replace(request, hinted_sub=claims["sub"])

    async def _get(
        self, connection: Connection, digest: bytes, *, for_update: bool = False
    ) -> tuple[Challenge, Client]:
        found = await store.find(connection, digest, for_update=for_update)
        if found is None:
            raise ChallengeNotFound
        client = await self.clients.get_in(connection, found.request.client_id)
        if not client.redirects_to(found.request.redirect_uri):  # an administrator removed it
            raise ChallengeNotFound
        return found, client

    async def _decide(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        client: Client,
        session: BrowserSession | None,
        progress: Progress,
    ) -> Decision:
        consented = (
            await self.consents.find_scopes(connection, session.login.uid, client.client_id)
            if session
            else ()
        )
        login = session.login if session else None
        return decide(request, client, login, consented, progress, datetime.now(UTC), LEVELS)

    async def _grant(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        client: Client,
        granted: Granted,
    ) -> str:
        code = await self.tokens.authorize(
            connection, request, client, granted.login, granted.scopes
        )
        return answer_uri(
            request.redirect_uri, {"code": code, "state": request.state, "iss": self.issuer}
        )

    def _page(self, challenge: str, decision: Decision) -> str:
        if isinstance(decision, NeedsLogin):
            return answer_uri(self.login_url, {"login_challenge": challenge})
        return answer_uri(self.consent_url, {"consent_challenge": challenge})

    def _unasked_refusal(
        self, client: Client, redirect_uri: str, state: str | None, error: OAuthError
    ) -> str:
        """The redirect with an error before the user has decided anything.

        Raises `DirectError` for a client that nobody has registered: a link to us would lead
        browsers to any host that publishes a document (RFC 9700, 4.11.2).
        """
        if client.host is not None:
            raise DirectError(error.error, error.description)
        return self._refusal(redirect_uri, state, error)

    def _refusal(self, redirect_uri: str, state: str | None, error: OAuthError) -> str:
        return answer_uri(redirect_uri, {**error.parameters(), "state": state, "iss": self.issuer})


def _state_of(parameters: Parameters) -> str | None:
    """The client's `state`, where it is one that can be given back."""
    try:
        return None if parameters.repeated("state") else parameters.get("state")
    except OAuthError:
        return None


def _kind(decision: Decision) -> str | None:
    if isinstance(decision, NeedsLogin):
        return LOGIN
    return CONSENT if isinstance(decision, NeedsConsent) else None


def build(core: Core, clients: Clients, tokens: Tokens, consents: Consents) -> Authorizations:
    """Wires the feature."""
    settings = core.settings
    return Authorizations(
        database=core.database,
        clients=clients,
        tokens=tokens,
        consents=consents,
        keys=core.keys,
        issuer=settings.issuer,
        login_url=settings.login_page or f"{settings.issuer}/oauth/login",
        consent_url=settings.consent_url or f"{settings.issuer}/oauth/consent",
        challenge_life=timedelta(seconds=settings.challenge_seconds),
        challenge_limit=settings.challenge_limit,
    )
