"""The events of documents."""

from urllib.parse import quote

from resource_svc.documents.models import Document
from shared.contracts.catalogue import DOCUMENTS
from shared.contracts.events import Event
from shared.contracts.records import DocumentRecord
from shared.contracts.users import User
from shared.values.timestamps import seconds


def document_created(document: Document, user: User) -> Event:
    """A document was created."""
    record = DocumentRecord(
        user=user.to_event(),
        upload=quote(f"/uploads/{document.upload}", safe=""),
        doc_type=document.doc_type,
        doc_number=document.doc_number,
        doc_expire=document.expiry,
        metadata=document.metadata,
        created_at=seconds(document.created_at),
        updated_at=seconds(document.updated_at),
    )
    return DOCUMENTS["created"].event(
        record, snapshot={"document": document.to_internal(), "language": user.language}
    )
