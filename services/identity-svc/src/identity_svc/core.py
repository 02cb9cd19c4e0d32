"""What all features of identity-svc share."""

from dataclasses import dataclass

from identity_svc.schema import SCHEMA
from identity_svc.settings import IdentitySettings
from shared.clients.admin import AdminClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import IDENTITY
from shared.database.pool import Database
from shared.messaging.changes import ChangePublisher
from shared.messaging.envelope import EventSigner
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay, build_relay
from shared.tokens.service import ServiceTokens
from shared.web.metrics import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Nothing in it is open yet: pools and clients connect when the service or a command runs."""

    settings: IdentitySettings
    registry: Registry
    database: Database
    outbox: Outbox
    service_tokens: ServiceTokens
    resource: ResourceClient
    admin: AdminClient
    changes: ChangePublisher

    @classmethod
    def of(cls, settings: IdentitySettings) -> "Core":
        """The core of one process that has these settings."""
        service_tokens = ServiceTokens(IDENTITY, settings.service_keys)
        return cls(
            settings=settings,
            registry=Registry(),
            database=settings.database(SCHEMA),
            outbox=Outbox(settings.master_keys),
            service_tokens=service_tokens,
            resource=ResourceClient(settings.resource_internal_url, service_tokens),
            admin=AdminClient(settings.admin_internal_url, service_tokens),
            changes=ChangePublisher(settings.broker_url, IDENTITY, settings.service_keys),
        )

    def relay(self, signer: EventSigner) -> Relay:
        """Publishes the events of the outbox, signed."""
        return build_relay(
            IDENTITY, self.settings, self.database, self.outbox, signer, self.registry
        )
