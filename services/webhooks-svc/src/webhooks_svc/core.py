"""What all features of webhooks-svc share."""

from dataclasses import dataclass
from functools import partial

from shared.clients.identity import IdentityClient
from shared.contracts.services import WEBHOOKS
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.messaging.publisher import publisher
from shared.messaging.refusals import Refusals, management_api
from shared.messaging.relay import Relay
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
        settings = self.settings
        api = management_api(settings.rabbitmq_management_url, settings.broker_url)
        refusals = Refusals(self.registry, api)
        name, public_url = f"{WEBHOOKS} relay", settings.public_url
        connect = partial(publisher, settings.broker_url, name, refusals, public_url)
        return Relay(self.database, self.outbox, self.identity, connect, self.registry)
