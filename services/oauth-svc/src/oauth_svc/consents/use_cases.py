"""Giving, listing and taking back consents."""

from collections.abc import Sequence
from dataclasses import dataclass

from oauth_svc.clients.models import Actor
from oauth_svc.clients.use_cases import Clients
from oauth_svc.consents import events, store
from oauth_svc.consents.models import Consent, ConsentNotFound
from oauth_svc.core import Core
from oauth_svc.tokens.use_cases import Tokens
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Consents:
    """What users allow clients. Grants made with a consent end with it."""

    database: Database
    outbox: Outbox
    tokens: Tokens
    clients: Clients

    async def find_scopes(self, connection: Connection, uid: str, client_id: str) -> Sequence[str]:
        """The scopes that a user allows a client."""
        return await store.find_scopes(connection, uid, client_id)

    async def grant(
        self, connection: Connection, uid: str, client_id: str, scopes: Sequence[str]
    ) -> None:
        """Adds to what a user allows a client, as a step of a transaction."""
        before = await store.find_scopes(connection, uid, client_id)
        after = await store.upsert(connection, uid, client_id, scopes)
        if set(after) != set(before):
            await self.outbox.add(connection, events.granted(uid, client_id, after))

    async def list_of_user(self, uid: str, limit: int, offset: int) -> tuple[list[Consent], int]:
        """One page of a user's consents, the oldest first, and the number of all."""
        async with self.database.connection() as connection:
            return await store.select_page(connection, limit, offset, uid=uid)

    async def list_of_client(
        self, client_id: str, limit: int, offset: int
    ) -> tuple[list[Consent], int]:
        """One page of the consents to a client; raises `ClientNotFound`."""
        client_id = (await self.clients.get(client_id)).client.client_id
        async with self.database.connection() as connection:
            return await store.select_page(connection, limit, offset, client_id=client_id)

    async def revoke(self, uid: str, client_id: str) -> None:
        """Takes a consent back, which ends the client's tokens; raises `ConsentNotFound`."""
        async with self.database.transaction() as connection:
            client_id = await self.clients.id_of(connection, client_id)
            scopes = await store.delete(connection, uid, client_id)
            if scopes is None:
                raise ConsentNotFound
            await self.outbox.add(connection, events.revoked(uid, client_id, scopes))
            await self.tokens.revoke(connection, uid=uid, client_id=client_id)

    async def delete_client(self, client_id: str, actor: Actor) -> None:
        """Deletes a client, and all tokens and consents that it was given.

        Raises `ClientNotFound`.
        """
        async with self.database.transaction() as connection:
            client_id = await self.clients.id_of(connection, client_id)
            await self.tokens.revoke(connection, client_id=client_id)
            await self.clients.delete(connection, client_id, actor)

    async def forget(self, connection: Connection, uid: str) -> None:
        """Deletes the consents of an erased user."""
        await store.delete_user(connection, uid)


def build(core: Core, tokens: Tokens, clients: Clients) -> Consents:
    """Wires the feature."""
    return Consents(core.database, core.outbox, tokens, clients)
