"""Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): which are sound.

Clients of the Model Context Protocol identify themselves with them.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from oauth_svc.protocol.client import NONE, PRIVATE_KEY_JWT, sound_redirect_uri
from oauth_svc.protocol.client_metadata import Terms, values_of
from oauth_svc.protocol.errors import INVALID_CLIENT_METADATA, OAuthError

MAX_URL = 1024
METHODS = (NONE, PRIVATE_KEY_JWT)
"""How such a client may authenticate. A shared secret is out: everybody can read its document."""

_SECRETS = ("client_secret", "client_secret_expires_at")


def is_document_url(text: str, *, plain_http: bool) -> bool:
    """Whether a client id is the URL of a document (section 3 of the draft).

    Stricter than the draft, it has no query: each would be another client of the same server.
    """
    schemes = ("https", "http") if plain_http else ("https",)
    if len(text) > MAX_URL or not sound_redirect_uri(text):
        return False
    parts = urlsplit(text)
    segments = unquote(parts.path).split("/")
    return (
        parts.scheme in schemes
        and parts.path.startswith("/")
        and "?" not in text
        and not {".", ".."} & set(segments)
    )


def values_of_document(url: str, document: Mapping[str, Any], terms: Terms) -> dict[str, Any]:
    """The fields of a `Client` but its id, as its document has them; raises `OAuthError`.

    The document has to name its own URL, character for character (section 4.1 of the draft): a
    document that a server shows for somebody else makes no client of that server.
    """
    if document.get("client_id") != url:
        raise OAuthError(INVALID_CLIENT_METADATA, "The document is that of another client.")
    if any(name in document for name in _SECRETS):
        raise OAuthError(INVALID_CLIENT_METADATA, "The document has a secret.")
    return values_of(document, terms)
