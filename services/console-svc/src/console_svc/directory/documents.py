"""A user's documents as the console shows them: as links that can run nothing, and pictures."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console_svc.pages.visit import Visit

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_REST = r"[\w.~:/?@!$&'()*+,;=%\[\]-]*"
_HERE = re.compile(r"/api/v2/barong/resource/uploads/" + _REST, re.ASCII)
# A Content-Security-Policy takes a host of these characters and no other one (CSP Level 3, 2.3.1).
_AT_STORAGE = re.compile(
    r"(https?://[a-z0-9._-]{1,253}(?::[0-9]{1,5})?)/" + _REST, re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FileLink:
    """Where a browser finds an uploaded file.

    `origin` is that of the storage, and blank for a file that this site hands out.
    """

    url: str
    origin: str = ""

    @property
    def is_picture(self) -> bool:
        """Whether a browser can show it as a picture, as its name says."""
        return self.url.partition("?")[0].lower().endswith(_PICTURES)


def link_of(url: object) -> FileLink | None:
    """The link to a file at the address that the API gives; None for what is no such address.

    That is a path on this site, or an absolute URL of a storage by http or https.
    """
    if not isinstance(url, str):
        return None
    if _HERE.fullmatch(url):
        return FileLink(url)
    at_storage = _AT_STORAGE.fullmatch(url)
    return FileLink(url, at_storage[1].lower()) if at_storage else None


def shown(
    visit: Visit, user: Mapping[str, Any]
) -> Sequence[tuple[Mapping[str, Any], FileLink | None]]:
    """The user's documents with their links; this page may load those that are pictures."""
    documents = []
    for document in user["documents"]:
        upload = document["upload"]
        link = link_of(upload["url"] if isinstance(upload, Mapping) else upload)
        if link is not None and link.origin and link.is_picture:
            visit.load_pictures_from(link.origin)
        documents.append((document, link))
    return documents
