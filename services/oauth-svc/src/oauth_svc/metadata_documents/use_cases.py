"""Which documents are accepted, and what they contain."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import Counter

from oauth_svc.core import Core
from oauth_svc.metadata_documents.http import DocumentFetcher
from oauth_svc.metadata_documents.models import DocumentRefused, DocumentUnreachable
from oauth_svc.protocol.client import NONE
from oauth_svc.protocol.client_metadata import Terms
from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol.metadata_document import METHODS, is_document_url, values_of_document

TAKEN, REFUSED, UNREACHABLE = "taken", "refused", "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataDocuments:
    """Documents of clients. `hosts` are those whose documents are accepted; none means all."""

    fetcher: DocumentFetcher
    enabled: bool
    hosts: Collection[str]
    plain_http: bool
    limit: int
    terms: Terms
    fetched: Counter

    def names(self, client_id: str) -> bool:
        """Whether this id is the URL of a document that is accepted here."""
        if not self.enabled or not is_document_url(client_id, plain_http=self.plain_http):
            return False
        return not self.hosts or urlsplit(client_id).hostname in self.hosts

    async def fetch(self, url: str) -> tuple[dict[str, Any], int]:
        """The fields of the client but its id, and for how many seconds they are valid.

        Raises `DocumentRefused`, or `DocumentUnreachable` if another attempt may succeed.
        """
        try:
            fetched = await self.fetcher.fetch(url)
            values = values_of_document(url, fetched.document, self.terms)
            self._require_own_keys(values["jwks_uri"])
        except DocumentUnreachable:
            self.fetched.labels(UNREACHABLE).inc()
            raise
        except DocumentRefused:
            self.fetched.labels(REFUSED).inc()
            raise
        except OAuthError as error:
            self.fetched.labels(REFUSED).inc()
            raise DocumentRefused(f"is not sound: {error.description.rstrip('.')}") from None
        self.fetched.labels(TAKEN).inc()
        return values, fetched.seconds

    def _require_own_keys(self, jwks_uri: str | None) -> None:
        """Raises `DocumentRefused` for keys on a host that is not accepted here."""
        if jwks_uri is not None and self.hosts and urlsplit(jwks_uri).hostname not in self.hosts:
            raise DocumentRefused("names a jwks_uri of a host that is not allowed")


def build(core: Core) -> MetadataDocuments:
    """Wires the feature."""
    settings = core.settings
    fetched = Counter(
        "oauth_metadata_documents",
        "Metadata documents that were fetched, by outcome.",
        ("outcome",),
        registry=core.registry,
    )
    for outcome in (TAKEN, REFUSED, UNREACHABLE):  # exported as 0 from the start
        fetched.labels(outcome)
    return MetadataDocuments(
        fetcher=DocumentFetcher(settings.allowed_networks),
        enabled=settings.metadata_documents,
        hosts=settings.metadata_document_hosts,
        plain_http=settings.plain_http,
        limit=settings.metadata_document_limit,
        terms=Terms(
            scopes=settings.self_registered_scopes,
            resources=settings.self_registered_resources,
            methods=METHODS,
            default_method=NONE,
            access_seconds=settings.access_token_seconds,
            refresh_seconds=settings.refresh_token_seconds,
        ),
        fetched=fetched,
    )
