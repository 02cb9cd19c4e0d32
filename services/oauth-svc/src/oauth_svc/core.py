"""What all features of oauth-svc share."""

from dataclasses import dataclass

from oauth_svc.schema import SCHEMA
from oauth_svc.settings import OAuthSettings
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import OAUTH
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay, build_relay
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.metrics import Registry


@dataclass(frozen=True, slots=True)
class Core:
    """Settings, database, outbox, metrics, and the clients of other services.

    `keys` are the public keys of identity-svc, which signs for this service.
    """

    settings: OAuthSettings
    registry: Registry
    database: Database
    outbox: Outbox
    service_tokens: ServiceTokens
    identity: IdentityClient
    resource: ResourceClient
    keys: KeySet

    @classmethod
    def of(cls, settings: OAuthSettings) -> "Core":
        """Makes everything; nothing is connected yet, so that no dependency has to be up."""
        service_tokens = ServiceTokens(OAUTH, settings.service_keys)
        identity = IdentityClient(settings.identity_internal_url, service_tokens)
        return cls(
            settings=settings,
            registry=Registry(),
            database=settings.database(SCHEMA),
            outbox=Outbox(),
            service_tokens=service_tokens,
            identity=identity,
            resource=ResourceClient(settings.resource_internal_url, service_tokens),
            keys=KeySet(identity.jwks),
        )

    def bearers(self) -> BearerVerifier:
        """Verifies the tokens that the gateway sends with calls."""
        return BearerVerifier(self.keys, self.settings.jwt_issuer)

    def relay(self) -> Relay:
        """Publishes the events of the outbox."""
        return build_relay(
            OAUTH, self.settings, self.database, self.outbox, self.identity, self.registry
        )
