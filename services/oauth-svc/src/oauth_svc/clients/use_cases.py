"""Registers clients, and authenticates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oauth_svc.clients import events, store
from oauth_svc.clients.assertions import key_id_of, verified_assertion
from oauth_svc.clients.models import (
    THE_CLIENT,
    Actor,
    HasDocument,
    NoSecret,
    RegisteredClient,
    Registration,
    TooManyClients,
    digest_of,
    new_client_id,
    new_secret,
    require_sound,
)
from oauth_svc.core import Core
from oauth_svc.key_sets.use_cases import ClientKeys
from oauth_svc.metadata_documents.models import DocumentRefused, DocumentUnreachable
from oauth_svc.metadata_documents.use_cases import MetadataDocuments
from oauth_svc.protocol.client import (
    INITIAL_ACCESS_TOKEN,
    METADATA_DOCUMENT,
    NONE,
    PRIVATE_KEY_JWT,
    SECRET_BASIC,
    SECRET_POST,
    Client,
    is_client_id,
)
from oauth_svc.protocol.client_authentication import Credentials
from oauth_svc.protocol.errors import InvalidClient
from shared.batch_loader import BatchLoader
from shared.database.pool import Connection, Database
from shared.errors import Invalid, Unavailable
from shared.messaging.outbox import Outbox
from shared.values.addresses import Network

_CLIENTS_PER_QUERY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The clients of this installation. `audiences` name the provider in assertions."""

    database: Database
    outbox: Outbox
    limit: int
    plain_http: bool
    allowed: Sequence[Network]
    audiences: Sequence[str]
    access_seconds: int
    refresh_seconds: int
    documents: MetadataDocuments
    keys: ClientKeys
    found: BatchLoader[str, RegisteredClient | None]
    """Reads clients by id; calls that come at the same time share a query."""

    async def list_page(self, limit: int, offset: int) -> tuple[list[RegisteredClient], int]:
        """One page of clients, the oldest first, and the number of all."""
        async with self.database.connection() as connection:
            return await store.select_page(connection, limit, offset)

    async def get(self, reference: str) -> RegisteredClient:
        """The client that a path means; raises `ClientNotFound`."""
        async with self.database.connection() as connection:
            return await store.get(connection, await store.id_of(connection, reference))

    async def id_of(self, connection: Connection, reference: str) -> str:
        """The id of the client that a path means, whether there is one or not."""
        return await store.id_of(connection, reference)

    async def find(self, client_id: str) -> Client | None:
        """The client as the protocol sees it; None without one.

        Raises `DocumentRefused` if its id is the URL of a document that cannot be used.
        """
        if self.documents.names(client_id):
            return (await self._find_by_document(client_id)).client
        if not is_client_id(client_id):
            return None
        found = await self.found.get(client_id)
        return None if found is None else found.client

    async def _find_by_document(self, url: str) -> RegisteredClient:
        """The client as its document describes it, which is fetched again when it has expired.

        Raises `DocumentRefused`; `DocumentUnreachable` if another attempt may succeed.
        """
        known = await self.found.get(url)
        if known is not None and _counts(known):
            return known
        values, seconds = await self.documents.fetch(url)
        client = Client(client_id=url, registered_by=METADATA_DOCUMENT, **values)
        try:
            require_sound(client, plain_http=self.plain_http, allowed=self.allowed)
        except Invalid as refusal:
            names = ", ".join(code.rpartition(".invalid_")[2] for code in refusal.codes)
            raise DocumentRefused(f"is not sound: {names}") from None
        async with self.database.transaction() as connection:
            if known is None:
                count = await store.count_to_add(connection, documents=True)
                full = count >= self.documents.limit
                if full and not await store.delete_oldest_document(connection):
                    raise DocumentUnreachable("cannot be stored, because too many are")
            return await store.upsert_document(connection, client, seconds)

    async def get_in(self, connection: Connection, client_id: str) -> Client:
        """The client, in a transaction under way; raises `ClientNotFound`."""
        return (await store.get(connection, client_id)).client

    async def create(
        self, wanted: Mapping[str, Any], actor: Actor
    ) -> tuple[RegisteredClient, str | None]:
        """Registers a client for an administrator.

        Returns it with its secret, if it authenticates with one. Raises `Invalid` with the faults,
        or `TooManyClients`.
        """
        return await self._add(Client(client_id=new_client_id(), **wanted), actor, None)

    async def register(
        self, wanted: Mapping[str, Any], registration: Registration, limit: int
    ) -> tuple[RegisteredClient, str | None]:
        """Registers a client for whoever has an initial access token, which adds at most `limit`.

        Raises what `create` raises.
        """
        client = Client(client_id=new_client_id(), registered_by=INITIAL_ACCESS_TOKEN, **wanted)
        return await self._add(client, THE_CLIENT, registration, limit)

    async def _add(
        self,
        client: Client,
        actor: Actor,
        registration: Registration | None,
        registrations: int = 0,
    ) -> tuple[RegisteredClient, str | None]:
        require_sound(client, plain_http=self.plain_http, allowed=self.allowed)
        secret = new_secret() if has_secret(client) else None
        async with self.database.transaction() as connection:
            if await store.count_to_add(connection) >= self.limit:
                raise TooManyClients
            if registration is not None:
                token = registration.initial_token
                if await store.count_registered_with(connection, token) >= registrations:
                    raise TooManyClients
            digest = None if secret is None else digest_of(secret)
            registered = await store.insert(connection, client, digest, registration)
            await self.outbox.add(connection, events.changed(registered, "created", actor))
        return registered, secret

    async def update(
        self, client_id: str, given: Mapping[str, Any], actor: Actor
    ) -> RegisteredClient:
        """Sets the given fields; raises `ClientNotFound`, or `Invalid` with the faults.

        Raises `HasDocument` for a client that a document describes. A client that begins to
        authenticate with a secret gets one by `rotate_secret`.
        """
        async with self.database.transaction() as connection:
            client_id = await store.id_of(connection, client_id)
            before = await store.get(connection, client_id, for_update=True)
            if before.client.host is not None:
                raise HasDocument
            values = {
                name: given.get(name, getattr(before.client, name))
                for name in Client.__dataclass_fields__
                if name != "client_id"
            }
            if values["authentication"] != PRIVATE_KEY_JWT:
                values |= {name: given.get(name) for name in ("jwks", "jwks_uri")}
            client = Client(client_id=client_id, **values)
            require_sound(client, plain_http=self.plain_http, allowed=self.allowed)
            after = await store.update(connection, client)
            await self.outbox.add(connection, events.changed(after, "updated", actor, before))
        return after

    async def rotate_secret(self, client_id: str, actor: Actor) -> tuple[RegisteredClient, str]:
        """Makes another secret; both are accepted for a day.

        Raises `ClientNotFound` or `NoSecret`.
        """
        secret = new_secret()
        async with self.database.transaction() as connection:
            client_id = await store.id_of(connection, client_id)
            before = await store.get(connection, client_id, for_update=True)
            if not has_secret(before.client):
                raise NoSecret
            after = await store.rotate(connection, client_id, digest_of(secret))
            event = events.changed(after, "secret_rotated", actor, before)
            await self.outbox.add(connection, event)
        return after, secret

    async def delete(self, connection: Connection, client_id: str, actor: Actor) -> None:
        """Deletes a client, in the transaction that ends its grants; raises `ClientNotFound`."""
        registered = await store.get(connection, client_id, for_update=True)
        await store.delete(connection, client_id)
        await self.outbox.add(connection, events.changed(registered, "deleted", actor))

    async def authenticate(self, credentials: Credentials) -> Client:
        """The client that these credentials authenticate; raises `InvalidClient`.

        Raises `Unavailable` if the document of a client that is known, or its keys, cannot be
        fetched. Only the method that is registered is accepted: a public client cannot pass for a
        confidential one (RFC 9700, 2.5).
        """
        found = await self._find_to_authenticate(credentials.client_id)
        if found is None or found.client.authentication != credentials.method:
            raise InvalidClient
        if credentials.method in (SECRET_BASIC, SECRET_POST):
            if not found.accepts(credentials.secret or ""):
                raise InvalidClient
        elif credentials.method == PRIVATE_KEY_JWT:
            await self._use_assertion(found.client, credentials.assertion or "")
        elif credentials.method != NONE:
            raise InvalidClient
        return found.client

    async def _find_to_authenticate(self, client_id: str) -> RegisteredClient | None:
        if not self.documents.names(client_id) and not is_client_id(client_id):
            return None
        known = await self.found.get(client_id)
        if not self.documents.names(client_id):
            return known
        try:
            return await self._find_by_document(client_id)
        except DocumentUnreachable as error:
            if known is not None:
                raise Unavailable("metadata document") from error  # no wrong 401
            raise InvalidClient(error.description) from None
        except DocumentRefused as error:
            raise InvalidClient(error.description) from None

    async def _use_assertion(self, client: Client, assertion: str) -> None:
        jwks = await self._keys_of(client, assertion)
        now = datetime.now(UTC)
        jti, expires_at = verified_assertion(client, jwks, assertion, self.audiences, now)
        async with self.database.connection() as connection:
            # A minute longer than it is accepted: clocks of instances differ.
            until = expires_at + timedelta(minutes=1)
            if not await store.use_assertion(connection, client.client_id, digest_of(jti), until):
                raise InvalidClient("The assertion was used before.")

    async def _keys_of(self, client: Client, assertion: str) -> Mapping[str, Any]:
        if client.jwks_uri is None:
            return client.jwks or {"keys": []}
        key_sets = self.keys.registered if client.host is None else self.keys.published
        try:
            return await key_sets.get(client.jwks_uri, key_id_of(assertion))
        except DocumentUnreachable as error:
            raise Unavailable("key set of a client") from error  # no wrong 401
        except DocumentRefused as error:
            raise InvalidClient(error.description) from None

    async def sweep(self) -> None:
        """Deletes assertions that have expired."""
        async with self.database.connection() as connection:
            await store.delete_expired(connection)


def _counts(registered: RegisteredClient) -> bool:
    ends_at = registered.document_ends_at
    return ends_at is not None and ends_at > datetime.now(UTC)


def has_secret(client: Client) -> bool:
    """Whether the client authenticates with a secret."""
    return client.authentication in (SECRET_BASIC, SECRET_POST)


def _found(database: Database) -> BatchLoader[str, RegisteredClient | None]:
    async def load(client_ids: Sequence[str]) -> Sequence[RegisteredClient | None]:
        async with database.connection() as connection:
            found = await store.find_all(connection, client_ids)
        return [found.get(each) for each in client_ids]

    return BatchLoader(load, _CLIENTS_PER_QUERY, "postgresql")


def build(core: Core, documents: MetadataDocuments, keys: ClientKeys) -> Clients:
    """Wires the feature."""
    settings = core.settings
    return Clients(
        database=core.database,
        outbox=core.outbox,
        limit=settings.client_limit,
        plain_http=settings.plain_http,
        allowed=settings.allowed_networks,
        audiences=(  # RFC 9126, 2, for the third
            settings.issuer,
            f"{settings.issuer}/oauth/token",
            f"{settings.issuer}/oauth/par",
            f"{settings.issuer}/oauth/device_authorization",
        ),
        access_seconds=settings.access_token_seconds,
        refresh_seconds=settings.refresh_token_seconds,
        documents=documents,
        keys=keys,
        found=_found(core.database),
    )
