"""What all features of admin-svc share."""

from dataclasses import dataclass

from admin_svc.schema import SCHEMA
from admin_svc.settings import AdminSettings
from shared.clients.archive import ArchiveClient
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import ADMIN, OAUTH, WEBHOOKS
from shared.database.pool import Database
from shared.messaging.changes import ChangePublisher
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay, build_relay
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.metrics import Registry


@dataclass(frozen=True, slots=True)
class Core:
    """Settings, database, outbox, metrics, keys, and clients of other services' internal APIs.

    `keys` are the public keys of identity-svc; `changes` publishes to all gateways what calls
    changed.
    """

    settings: AdminSettings
    database: Database
    outbox: Outbox
    registry: Registry
    service_tokens: ServiceTokens
    identity: IdentityClient
    resource: ResourceClient
    webhooks: ArchiveClient
    oauth: ArchiveClient
    keys: KeySet
    changes: ChangePublisher

    @classmethod
    def of(cls, settings: AdminSettings) -> "Core":
        """Makes everything; nothing is connected yet, so that no dependency has to be up."""
        service_tokens = ServiceTokens(ADMIN, settings.service_keys)
        identity = IdentityClient(settings.identity_internal_url, service_tokens)
        return cls(
            settings=settings,
            database=settings.database(SCHEMA),
            outbox=Outbox(),
            registry=Registry(),
            service_tokens=service_tokens,
            identity=identity,
            resource=ResourceClient(settings.resource_internal_url, service_tokens),
            webhooks=ArchiveClient(settings.webhooks_internal_url, WEBHOOKS, service_tokens),
            oauth=ArchiveClient(settings.oauth_internal_url, OAUTH, service_tokens),
            keys=KeySet(identity.jwks),
            changes=ChangePublisher(settings.broker_url, ADMIN, settings.service_keys),
        )

    def bearers(self) -> BearerVerifier:
        """Verifies the tokens that the gateway sends with calls."""
        return BearerVerifier(self.keys, self.settings.jwt_issuer)

    def relay(self) -> Relay:
        """Publishes the events of the outbox."""
        return build_relay(
            ADMIN, self.settings, self.database, self.outbox, self.identity, self.registry
        )
