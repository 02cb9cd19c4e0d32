"""Receives uploaded files, makes documents of them, and discards the others."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from resource_svc.attachments.events import with_snapshot
from resource_svc.core import Core
from resource_svc.documents import models, store
from resource_svc.documents.bucket import Bucket
from resource_svc.documents.configuration import configured_types
from resource_svc.documents.events import document_created
from resource_svc.documents.links import Links, PresignedLinks, SignedLinks
from resource_svc.documents.models import Document, StoredFile, TooManyDocuments
from resource_svc.documents.providers import object_storage
from resource_svc.documents.reception import (
    LONGEST_UPLOAD,
    Deadline,
    Limits,
    PerUserLimit,
    Reception,
)
from resource_svc.documents.schemas import DocumentForm
from resource_svc.documents.storage import ObjectStorage, StoredObject
from resource_svc.documents.store import DOCUMENT_TABLE
from resource_svc.labels.use_cases import Labels
from resource_svc.users.use_cases import Users
from shared.contracts.attachments import AttachmentSnapshot
from shared.database.pool import Connection, Database
from shared.errors import Invalid, Unavailable
from shared.messaging.outbox import Outbox

log = structlog.get_logger()

_DISCARD_SECONDS = 2.0
"""How long a sender waits while files are discarded."""
_DISCARDS_AT_ONCE = 2
"""Each holds a connection of the pool while the storage deletes."""
_SWEEP_SECONDS = 600
_PENDING_FOR = 2 * LONGEST_UPLOAD + timedelta(hours=1)
"""By then no upload is being written any more, not even by a slow storage."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Uploaded files. Those that are not documents yet are recorded as pending.

    An upload is discarded in two steps: first the object is deleted, then its record. Whatever
    happens in between, the next sweep finds the record. It is locked meanwhile, so that nobody
    makes a document of the object.
    """

    database: Database
    storage: ObjectStorage
    links: SignedLinks
    limits: Limits
    _per_user: PerUserLimit = field(default_factory=PerUserLimit)
    _discards: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_DISCARDS_AT_ONCE)
    )

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections to the storage for the time of the block."""
        return self.storage.opened()

    @asynccontextmanager
    async def receiving(self, uid: str) -> AsyncIterator[Reception]:
        """Receives the files of one call.

        Files that became no documents are discarded at the end of the block, or by the sweep.
        Raises `Throttled`, or `Malformed` when the sender takes too long.
        """
        deadline = Deadline(LONGEST_UPLOAD.total_seconds(), self.limits.storing_seconds)
        async with self._per_user.call(uid):
            async with self.database.connection() as connection:
                left = self.limits.documents - await store.count_documents(connection, uid)
            reception = Reception(self.database, self.storage, self.limits, deadline, left)
            try:
                async with deadline.running():
                    yield reception
            except Unavailable:
                reception.stored.clear()  # only the sweep calls a storage again that is down
                raise
            finally:
                await self.discard(reception.stored, seconds=_DISCARD_SECONDS)

    async def open(self, key: str, expires: str, signature: str) -> StoredObject:
        """The file of a link that we signed; a storage that signs links serves them itself.

        Raises `BadLink`, `NotFound` or `Unavailable`.
        """
        self.links.check(key, expires, signature)
        return await self.storage.open(key)

    async def discard(self, keys: Sequence[str], *, seconds: float | None = None) -> None:
        """Discards those of the uploads that are pending.

        The sweep discards what fails here, and what is not done after so many seconds.
        """
        try:
            async with asyncio.timeout(seconds):
                async with self.database.connection() as connection:
                    pending = await store.list_pending(connection, keys)
                for key in pending:
                    await self._discard(key)
        except (Unavailable, TimeoutError) as error:
            reason = error.dependency if isinstance(error, Unavailable) else "took too long"
            log.warning("uploads_await_their_sweep", reason=reason)

    async def sweep(self) -> None:
        """Discards what processes left pending that died, or that a storage did not answer.

        Raises `Unavailable` after all were tried, if one could not be discarded.
        """
        async with self.database.connection() as connection:
            keys = await store.list_pending_for(connection, _PENDING_FOR)
        failure: Unavailable | None = None
        for key in keys:
            try:
                await self._discard(key)
            except Unavailable as error:
                failure = error
        if keys:
            log.info("uploads_swept", found=len(keys))
        if failure is not None:
            raise failure

    async def sweep_forever(self) -> None:
        """Sweeps now and every ten minutes; any number of processes may. Raises `Unavailable`."""
        while True:
            await self.sweep()
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _discard(self, key: str) -> None:
        """Raises `Unavailable`."""
        async with self._discards, self.database.transaction() as connection:
            if await store.lock_pending(connection, key):
                await self.storage.delete(key)
                await store.delete_pending(connection, key)


@dataclass(frozen=True, slots=True)
class Documents:
    """Users' documents."""

    database: Database
    outbox: Outbox
    users: Users
    labels: Labels
    uploads: Uploads
    links: Links
    types: Mapping[str, bool]
    """By name, and whether documents of this type expire."""
    limit: int
    """Of one user."""
    expiry_required: bool

    async def list(self, uid: str) -> Sequence[Document]:
        """All documents of a user, the oldest first; none for an unknown user."""
        async with self.database.connection() as connection:
            return await DOCUMENT_TABLE.list(connection, uid)

    async def create(self, uid: str, form: DocumentForm) -> Sequence[Document]:
        """A document for each file, at least one, and the private label document:pending.

        If the label was document:verified, it becomes document:replaced: somebody has to review
        the new documents. Raises `Invalid` or `TooManyDocuments`, and then creates none.
        """
        today = datetime.now(UTC).date()
        required = self.expiry_required and self.types.get(form.doc_type, True)
        expires = models.parse_expiry(form.doc_expire, required=required, today=today)
        async with self.users.actor_transaction(uid) as (connection, user):
            versions = [await DOCUMENT_TABLE.next_version(connection, uid) for _ in form.upload]
            number = await store.count_documents(connection, uid) + len(form.upload)
            if number > self.limit or models.are_too_many(form.upload):
                raise TooManyDocuments
            described = (form.doc_type, form.doc_number, form.metadata)
            if faults := [*models.faults(form.upload, *described, self.types.keys())]:
                raise Invalid(faults)
            keys = await self._claimed(connection, form)
            documents = [
                await store.insert_document(
                    connection,
                    uid,
                    version,
                    key,
                    form.doc_type,
                    form.doc_number,
                    expires,
                    form.metadata,
                )
                for version, key in zip(versions, keys, strict=True)
            ]
            snapshot = await DOCUMENT_TABLE.snapshot(connection, uid)
            events = (with_snapshot(document_created(d, user), snapshot) for d in documents)
            await self.outbox.add(connection, *events)
            labels = await self.labels.upsert_private(
                connection, user, "document", "pending", instead={"verified": "replaced"}
            )
        await self.labels.apply(labels)
        return documents

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users' documents."""
        return await DOCUMENT_TABLE.snapshots(connection, uids)

    async def erase(self, connection: Connection, uid: str) -> Sequence[str]:
        """Deletes the documents of a user who is erased in this transaction.

        Their files become pending uploads. Returns their keys, so that they can be discarded after
        the commit; the next sweep discards those that are left.
        """
        return await store.erase(connection, uid)

    @staticmethod
    async def _claimed(connection: Connection, form: DocumentForm) -> Sequence[str]:
        keys = [file.key for file in form.upload if isinstance(file, StoredFile)]
        if await store.claim_pending(connection, keys) < len(keys):
            raise Unavailable("object storage")  # it took so long that they were swept
        return keys


def build(core: Core, users: Users, labels: Labels) -> Documents:
    """The use cases of documents."""
    settings = core.settings
    storage = object_storage(settings)
    link_life = timedelta(minutes=settings.upload_link_minutes)
    signed = SignedLinks(settings.master_keys, link_life)
    limits = Limits(
        extensions=settings.upload_extensions,
        megabytes=settings.upload_megabytes,
        body_bytes=settings.max_body_bytes,
        documents=settings.document_limit,
        storing_seconds=2 * settings.storage_timeout,
    )
    return Documents(
        core.database,
        core.outbox,
        users,
        labels,
        Uploads(core.database, storage, signed, limits),
        PresignedLinks(storage, link_life) if isinstance(storage, Bucket) else signed,
        configured_types(settings.config_dir),
        settings.document_limit,
        settings.expiry_required,
    )
