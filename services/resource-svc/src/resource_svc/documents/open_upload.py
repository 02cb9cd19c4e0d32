"""Opens an uploaded file for who has a link to it."""

from dataclasses import dataclass

from resource_svc.documents.links import OwnLinks
from resource_svc.documents.storage import ObjectStorage, StoredObject


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """Only for links that we made ourselves; where the storage makes them, there are none."""

    storage: ObjectStorage
    links: OwnLinks

    async def __call__(self, key: str, expires: str, signature: str) -> StoredObject:
        """Raises `BadLink`, `NotFound` or `Unavailable`."""
        self.links.check(key, expires, signature)
        return await self.storage.open(key)
