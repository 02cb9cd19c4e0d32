"""What all features of resource-svc share."""

from dataclasses import dataclass

from resource_svc.schema import SCHEMA
from resource_svc.settings import ResourceSettings
from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.contracts.services import RESOURCE
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

    settings: ResourceSettings
    registry: Registry
    database: Database
    outbox: Outbox
    service_tokens: ServiceTokens
    identity: IdentityClient
    admin: AdminClient
    keys: KeySet
    changes: ChangePublisher

    @classmethod
    def of(cls, settings: ResourceSettings) -> "Core":
        """Makes everything; nothing is connected yet, so that no dependency has to be up."""
        service_tokens = ServiceTokens(RESOURCE, settings.service_keys)
        identity = IdentityClient(settings.identity_internal_url, service_tokens)
        return cls(
            settings=settings,
            registry=Registry(),
            database=settings.database(SCHEMA),
            outbox=Outbox(),
            service_tokens=service_tokens,
            identity=identity,
            admin=AdminClient(settings.admin_internal_url, service_tokens),
            keys=KeySet(identity.jwks),
            changes=ChangePublisher(settings.broker_url, RESOURCE, settings.service_keys),
        )

    def bearers(self) -> BearerVerifier:
        """Verifies the tokens that the gateway sends with calls."""
        return BearerVerifier(self.keys, self.settings.jwt_issuer)

    def relay(self) -> Relay:
        """Publishes the events of the outbox."""
        return build_relay(
            RESOURCE, self.settings, self.database, self.outbox, self.identity, self.registry
        )
