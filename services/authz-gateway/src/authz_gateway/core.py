"""What all parts of the gateway share."""

from dataclasses import dataclass

from authz_gateway.settings import GatewaySettings
from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.clients.oauth import OAuthClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import GATEWAY
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.metrics import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Nothing in it is open yet: clients connect when the gateway runs."""

    settings: GatewaySettings
    registry: Registry
    service_tokens: ServiceTokens
    identity: IdentityClient
    admin: AdminClient
    resource: ResourceClient
    oauth: OAuthClient
    keys: KeySet
    """The public keys of identity-svc."""

    @classmethod
    def of(cls, settings: GatewaySettings) -> "Core":
        """The core of one process that has these settings."""
        tokens = ServiceTokens(GATEWAY, settings.service_keys)
        identity = IdentityClient(settings.identity_internal_url, tokens)
        return cls(
            settings=settings,
            registry=Registry(),
            service_tokens=tokens,
            identity=identity,
            admin=AdminClient(settings.admin_internal_url, tokens),
            resource=ResourceClient(settings.resource_internal_url, tokens),
            oauth=OAuthClient(settings.oauth_internal_url, tokens),
            keys=KeySet(identity.jwks),
        )
