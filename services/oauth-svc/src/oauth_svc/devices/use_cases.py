"""Devices ask, users allow, devices fetch their tokens (RFC 8628)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter

from oauth_svc.clients.models import digest_of
from oauth_svc.clients.use_cases import Clients
from oauth_svc.consents.use_cases import Consents
from oauth_svc.core import Core
from oauth_svc.devices import store
from oauth_svc.devices.models import (
    PER_NETWORK,
    PER_USER,
    WINDOW,
    DeviceRequestNotFound,
    Origin,
    ShownRequest,
    StoredRequest,
    UnknownUserCode,
    UserCodes,
)
from oauth_svc.protocol.authorization import answer_uri
from oauth_svc.protocol.client import DEVICE_CODE, Client
from oauth_svc.protocol.device_authorization import (
    parse_device_request,
    read_user_code,
    require_redeemable,
    show_user_code,
)
from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.single_sign_on.use_cases import BrowserSession
from oauth_svc.tokens.models import new_token
from oauth_svc.tokens.use_cases import Tokens, invalid_grant
from shared.contracts.activities import Client as Visitor
from shared.contracts.services import OAUTH
from shared.database.pool import Connection, Database
from shared.errors import Throttled, Unavailable

log = structlog.get_logger()

ASKED, ALLOWED, REFUSED, UNKNOWN, THROTTLED = "asked", "allowed", "refused", "unknown", "throttled"
_OUTCOMES = (ASKED, ALLOWED, REFUSED, UNKNOWN, THROTTLED)
_REPLAYED = "device_code"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """Requests of devices; `page` is where users type the code."""

    database: Database
    clients: Clients
    tokens: Tokens
    consents: Consents
    codes: UserCodes
    requests: Counter
    page: str
    life: timedelta
    interval: int
    limit: int

    async def begin(
        self, client: Client, parameters: Parameters, device: Visitor
    ) -> dict[str, Any]:
        """The answer to a device's request (RFC 8628, 3.2); raises `OAuthError`."""
        scopes, resources = parse_device_request(parameters, client)
        device_code = new_token()
        async with self.database.transaction() as connection:
            for _ in range(_ATTEMPTS):
                user_code = self.codes.new()
                if await store.insert(
                    connection,
                    device_digest=digest_of(device_code),
                    user_digest=self.codes.digest(user_code),
                    client_id=client.client_id,
                    scopes=scopes,
                    resources=resources,
                    origin=Origin(address=device.ip, user_agent=device.user_agent),
                    interval=self.interval,
                    life=self.life,
                ):
                    break
            else:
                raise Unavailable(OAUTH)
            await store.keep_newest(connection, client.client_id, self.limit)
        self.requests.labels(ASKED).inc()
        shown = show_user_code(user_code)
        return {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": self.page,
            "verification_uri_complete": answer_uri(self.page, {"user_code": shown}),
            "expires_in": int(self.life.total_seconds()),
            "interval": self.interval,
        }

    async def enter(self, typed: str, session: BrowserSession, visitor: Visitor) -> str:
        """Looks up the request with this user code for a session; returns its id.

        Each wrong code counts for the user and for their network. Raises `UnknownUserCode` or
        `Throttled`.
        """
        code, shown = read_user_code(typed), new_token()
        guesser = self.codes.digests_of_guesser(session.login.uid, visitor.ip)
        async with self.database.transaction() as connection:
            for key, limit in zip(guesser, (PER_USER, PER_NETWORK), strict=True):
                if wait := await store.count_guess(connection, key, limit, WINDOW):
                    self.requests.labels(THROTTLED).inc()
                    log.warning("device_codes_throttled", uid=session.login.uid)
                    raise Throttled(wait)
            found = code is not None and await store.show(
                connection, self.codes.digests(code), digest_of(shown), session.login.sid
            )
            if found:
                await store.forgive_guess(connection, guesser)
        if not found:
            self.requests.labels(UNKNOWN).inc()
            raise UnknownUserCode
        return shown

    async def get(self, shown: str, session: BrowserSession) -> ShownRequest:
        """What the device asks of the user; raises `DeviceRequestNotFound`."""
        async with self.database.connection() as connection:
            return await self._shown(connection, shown, session)

    async def allow(self, shown: str, session: BrowserSession) -> Client:
        """Allows the device what it asks; returns its client.

        The caller has checked that the user confirmed it. Raises `DeviceRequestNotFound`.
        """
        login = session.login
        async with self.database.transaction() as connection:
            found = await self._shown(connection, shown, session, for_update=True)
            request, client = found.request, found.client
            if not client.first_party:
                await self.consents.grant(connection, login.uid, client.client_id, request.scopes)
            waits = request.code.expires_at - request.found_at
            grant = await self.tokens.open_grant(
                connection, client, login, request.scopes, request.resources, waits
            )
            await store.answer(connection, digest_of(shown), grant.id)
        self.requests.labels(ALLOWED).inc()
        return client

    async def refuse(self, shown: str, session: BrowserSession) -> None:
        """Lets the device know that the user refuses; raises `DeviceRequestNotFound`."""
        async with self.database.transaction() as connection:
            await self._shown(connection, shown, session, for_update=True)
            await store.answer(connection, digest_of(shown), None)
        self.requests.labels(REFUSED).inc()

    async def redeem(
        self, client: Client, parameters: Parameters, thumbprint: str | None
    ) -> dict[str, Any]:
        """Exchanges a device code, once the user has allowed it; raises `OAuthError`.

        A second exchange revokes what the first one gave, as for codes of the browser.
        """
        digest = digest_of(parameters.require("device_code"))
        found = await self._poll(client, digest)
        grant = None
        if found.grant_id is not None:
            grant = await self.tokens.find_living_grant(found.grant_id)
        if grant is None:
            raise invalid_grant()
        if not found.used:

            async def use_up(connection: Connection) -> bool:
                return await store.use(connection, digest)

            answer = await self.tokens.give_tokens(grant, client, parameters, thumbprint, use_up)
            if answer is not None:
                return answer
        await self.tokens.end_replayed(grant, _REPLAYED)
        raise invalid_grant()

    async def sweep(self) -> None:
        """Deletes requests and counts that have expired."""
        async with self.database.connection() as connection:
            await store.delete_expired(connection, WINDOW)

    async def _poll(self, client: Client, digest: bytes) -> StoredRequest:
        """The request of a device that may have tokens; raises `OAuthError`."""
        async with self.database.transaction() as connection:
            found = await store.find_for_update(connection, digest)
            if found is None:
                raise invalid_grant()
            refusal = None
            try:
                require_redeemable(found.code, client.client_id, found.found_at)
            except OAuthError as error:
                refusal = error
            if found.code.client_id == client.client_id:
                early = found.code.is_early(found.found_at)
                await store.note_poll(connection, digest, early=early)
        if refusal is not None:
            raise refusal
        return found

    async def _shown(
        self,
        connection: Connection,
        shown: str,
        session: BrowserSession,
        *,
        for_update: bool = False,
    ) -> ShownRequest:
        found = await store.find_shown(
            connection, digest_of(shown), session.login.sid, for_update=for_update
        )
        if found is None:
            raise DeviceRequestNotFound
        client = await self.clients.get_in(connection, found.code.client_id)
        # An administrator may have taken something from the client since.
        if DEVICE_CODE not in client.grant_types or not set(found.scopes) <= set(client.scopes):
            raise DeviceRequestNotFound
        return ShownRequest(request=found, client=client)


def build(core: Core, clients: Clients, tokens: Tokens, consents: Consents) -> Devices:
    """Wires the feature, and lets the token endpoint serve device codes."""
    settings = core.settings
    requests = Counter(
        "oauth_device_requests",
        "Requests of devices, and codes that users typed.",
        ("outcome",),
        registry=core.registry,
    )
    for outcome in _OUTCOMES:
        requests.labels(outcome)  # exported as 0 from the start
    devices = Devices(
        database=core.database,
        clients=clients,
        tokens=tokens,
        consents=consents,
        codes=UserCodes(settings.service_keys),
        requests=requests,
        page=settings.device_url or f"{settings.issuer}/oauth/device",
        life=timedelta(seconds=settings.device_code_seconds),
        interval=settings.device_interval,
        limit=settings.device_code_limit,
    )
    tokens.add_grant_type(DEVICE_CODE, devices.redeem)
    tokens.metrics.replayed.labels(_REPLAYED)
    return devices
