"""Sends browsers to OpenID providers, and takes the answers with which they come back."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from identity_svc.browsers.models import AskingBrowser, browser_of, digest
from identity_svc.core import Core
from identity_svc.openid_providers.models import Identity, Provider, WrongIssuer
from identity_svc.openid_providers.use_cases import OpenIdProviders
from identity_svc.provider_log_ins import store
from identity_svc.provider_log_ins.models import (
    LINK,
    LOG_IN,
    SECONDS,
    InvalidProviderLogIn,
    Owner,
    Pending,
    Proven,
    ProviderAnswer,
    new_secret,
    new_state,
    secrets_of,
    state_digest,
)
from identity_svc.throttling.use_cases import Throttle
from shared.contracts.activities import Client
from shared.crypto.key_ring import KeyRing, UndecryptableError
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class ProviderLogIns:
    """An answer counts once, in the place that asked, while the provider is configured.

    The code of the provider is redeemed once. What it proved waits for the second factor, for which
    the same browser comes back with the same state.
    """

    database: Database
    providers: OpenIdProviders
    throttle: Throttle
    ring: KeyRing

    async def ask(
        self, name: str, cookies: Sequence[str], client: Client
    ) -> tuple[str, AskingBrowser]:
        """The address at the provider, and the cookie for the browser that goes there.

        `cookies` are those that it had before. Raises `UnknownProvider`, `Throttled` or
        `ProviderUnavailable`.
        """
        provider = self.providers.get(name)
        await self.throttle.attempt_of_network("provider-login", client)
        browser = browser_of(cookies)
        url = await self._question(provider, LOG_IN, Owner(browser=digest(browser)))
        return url, AskingBrowser(browser, SECONDS)

    async def ask_to_link(self, name: str, uid: str, sid: uuid.UUID) -> str:
        """The address at the provider for a user who links an account; raises what `ask` does."""
        return await self._question(self.providers.get(name), LINK, Owner(uid=uid, sid=sid))

    async def check(self, name: str, answer: ProviderAnswer, cookies: Sequence[str]) -> Proven:
        """The identity that logged in at the provider, for this browser; `use` has to follow.

        Raises `UnknownProvider`, `InvalidProviderLogIn`, `WrongIssuer`, `DeniedAtProvider`,
        `RefusedByProvider`, `InvalidIdToken` or `ProviderUnavailable`.
        """
        owners = [Owner(browser=digest(each)) for each in cookies]
        return await self._check(name, answer, owners)

    async def check_link(
        self, name: str, answer: ProviderAnswer, uid: str, sid: uuid.UUID
    ) -> Proven:
        """The same, for a link that this user began in this session."""
        return await self._check(name, answer, [Owner(uid=uid, sid=sid)])

    async def use(self, connection: Connection, proven: Proven) -> None:
        """Uses it up, in the transaction of what it allows; raises `InvalidProviderLogIn`."""
        if not await store.delete(connection, proven.state):
            raise InvalidProviderLogIn

    async def delete_expired(self, connection: Connection) -> None:
        """Deletes log-ins that nobody may come back to any more."""
        await store.delete_expired(connection)

    async def _question(self, provider: Provider, purpose: str, owner: Owner) -> str:
        state, secret = new_state(purpose), new_secret()
        url = await self.providers.question(provider, state, secrets_of(secret))
        digest_of_state = state_digest(state)
        pending = Pending(
            state=digest_of_state,
            owner=owner,
            provider=provider.name,
            issuer=provider.issuer,
            secret=self.ring.encrypt(secret, _context(digest_of_state)),
            identity=None,
        )
        async with self.database.transaction() as connection:
            await store.insert(connection, pending)
        return url

    async def _check(self, name: str, answer: ProviderAnswer, owners: Sequence[Owner]) -> Proven:
        provider = self.providers.get(name)
        state = state_digest(answer.state)
        async with self.database.connection() as connection:
            pending = await store.find(connection, state)
        if (
            pending is None
            or not pending.owner.is_among(owners)
            or (pending.provider, pending.issuer) != (provider.name, provider.issuer)
        ):
            raise InvalidProviderLogIn
        identity = pending.identity
        if identity is None:
            try:
                await self.providers.check_issuer(provider, answer.issuer)
            except WrongIssuer:
                await self._end(state)
                raise
            async with self.database.connection() as connection:
                if not await store.take(connection, state):
                    raise InvalidProviderLogIn
            try:
                identity = await self._proven(provider, answer, pending)
                async with self.database.connection() as connection:
                    await store.set_identity(connection, state, identity)
            except BaseException:
                await self._end(state)
                raise
        return Proven(state, provider, identity)

    async def _end(self, state: bytes) -> None:
        async with self.database.connection() as connection:
            await store.delete(connection, state)

    async def _proven(
        self, provider: Provider, answer: ProviderAnswer, pending: Pending
    ) -> Identity:
        self.providers.refuse_error(provider, answer.error)
        if not answer.code:
            raise InvalidProviderLogIn
        try:
            secret = self.ring.decrypt(pending.secret, _context(pending.state))
        except UndecryptableError:
            raise InvalidProviderLogIn from None
        return await self.providers.prove(provider, answer.code, secrets_of(secret))


def build(core: Core, providers: OpenIdProviders, throttle: Throttle) -> ProviderLogIns:
    """The log-ins at other providers, of this installation."""
    return ProviderLogIns(core.database, providers, throttle, core.settings.master_keys)


def _context(state: bytes) -> str:
    return f"provider_log_ins.secret:{state.hex()}"
