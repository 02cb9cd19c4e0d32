"""What all features of mailer-svc share."""

from dataclasses import dataclass

from mailer_svc.schema import SCHEMA
from mailer_svc.settings import MailerSettings
from shared.clients.identity import IdentityClient
from shared.contracts.services import MAILER
from shared.database.pool import Database
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.metrics import Registry


@dataclass(frozen=True, slots=True)
class Core:
    """Settings, database, metrics, keys, and the client of identity-svc, which has the keys."""

    settings: MailerSettings
    database: Database
    registry: Registry
    service_tokens: ServiceTokens
    identity: IdentityClient
    keys: KeySet

    @classmethod
    def of(cls, settings: MailerSettings) -> "Core":
        """Makes everything; nothing is connected yet, so that no dependency has to be up."""
        service_tokens = ServiceTokens(MAILER, settings.service_keys)
        identity = IdentityClient(settings.identity_internal_url, service_tokens)
        return cls(
            settings,
            settings.database(SCHEMA),
            Registry(),
            service_tokens,
            identity,
            KeySet(identity.jwks),
        )
