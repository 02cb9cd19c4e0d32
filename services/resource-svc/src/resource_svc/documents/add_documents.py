"""Makes documents of files that were received."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from resource_svc.attachments.events import with_set
from resource_svc.documents import rules, store
from resource_svc.documents.document import Document
from resource_svc.documents.errors import TooManyDocuments
from resource_svc.documents.events import document_created
from resource_svc.documents.forms import DocumentForm
from resource_svc.documents.received import StoredFile
from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor
from shared.database.pool import Connection, Database
from shared.errors import Invalid, Unavailable
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class AddDocuments:
    """A document for each file, or none at all, and the label document:pending.

    Documents that were verified are replaced: somebody has to look at the new ones.
    """

    database: Database
    outbox: Outbox
    find_user: FindUser
    put_private_label: PutPrivateLabel
    apply_labels: ApplyLabels
    types: Mapping[str, bool]
    """By name, and whether documents of this type expire."""
    limit: int
    expiry_required: bool

    async def __call__(self, uid: str, form: DocumentForm) -> Sequence[Document]:
        """The new documents, at least one; raises `Invalid` or `TooManyDocuments`."""
        today = datetime.now(UTC).date()
        required = self.expiry_required and self.types.get(form.doc_type, True)
        expires = rules.expiry(form.doc_expire, required=required, today=today)
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            versions = [await store.next_version(connection, uid) for _ in form.upload]
            number = await store.number_of_documents(connection, uid) + len(form.upload)
            if number > self.limit or rules.are_too_many(form.upload):
                raise TooManyDocuments
            described = (form.doc_type, form.doc_number, form.metadata)
            if faults := list(rules.faults(form.upload, *described, self.types.keys())):
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
            (all_documents,) = await store.sets_of(connection, [uid])
            events = (with_set(document_created(d, user), all_documents) for d in documents)
            await self.outbox.add(connection, *events)
            labels = await self.put_private_label.within(
                connection, user, "document", "pending", instead={"verified": "replaced"}
            )
        await self.apply_labels(labels)
        return documents

    @staticmethod
    async def _claimed(connection: Connection, form: DocumentForm) -> list[str]:
        keys = [file.key for file in form.upload if isinstance(file, StoredFile)]
        if await store.claim_pending(connection, keys) < len(keys):
            raise Unavailable("object storage")  # it took so long that they were swept
        return keys
