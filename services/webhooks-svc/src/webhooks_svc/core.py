"""What all features of webhooks-svc share."""

from dataclasses import dataclass

from shared.clients.identity import IdentityClient
from shared.contracts.services import WEBHOOKS
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay, build_relay
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.metrics import Registry
from webhooks_svc.schema import SCHEMA
from webhooks_svc.settings import WebhooksSettings


@dataclass(frozen=True, slots=True)
class Core:
    """Settings, database, outbox, metrics, and the client of identity-svc's internal API.

    `keys` are the public keys of identity-svc.
    """

    settings: WebhooksSettings
    registry: Registry
    database: Database
    outbox: Outbox
    service_tokens: ServiceTokens
    identity: IdentityClient
    keys: KeySet

    @classmethod
    def of(cls, settings: WebhooksSettings) -> "Core":
        """Makes everything; nothing is connected yet, so that no dependency has to be up."""
        service_tokens = ServiceTokens(WEBHOOKS, settings.service_keys)
        identity = IdentityClient(settings.identity_internal_url, service_tokens)
        return cls(
            settings=settings,
            registry=Registry(),
            database=settings.database(SCHEMA),
            outbox=Outbox(),
            service_tokens=service_tokens,
            identity=identity,
            keys=KeySet(identity.jwks),
        )

    def bearers(self) -> BearerVerifier:
        """Verifies the tokens that the gateway sends with calls."""
        return BearerVerifier(self.keys, self.settings.jwt_issuer)

    def relay(self) -> Relay:
        """Publishes the events of the outbox."""
        return build_relay(
            WEBHOOKS, self.settings, self.database, self.outbox, self.identity, self.registry
        )
