"""Every setting of webhooks-svc."""

from dataclasses import dataclass

from marshmallow import fields

from shared.crypto.key_ring import KeyRing
from shared.settings import Parsed, PublicServiceSettings, positive, setting
from shared.values.addresses import Network, networks


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksSettings(PublicServiceSettings):
    """The settings of webhooks-svc."""

    master_keys: KeyRing = setting(
        "BARONG_MASTER_KEYS",
        Parsed(KeyRing.parse),
        "Keys of secrets at rest, `id:base64 of 32 bytes`, comma separated. The first "
        "encrypts, all decrypt.",
    )
    allowed_networks: tuple[Network, ...] = setting(
        "BARONG_WEBHOOK_ALLOWED_NETWORKS",
        Parsed(networks),
        "Networks (CIDR, comma separated) to which webhooks may be sent although they are not "
        "public: private, loopback and link-local addresses are refused otherwise.",
        (),
    )
    plain_http: bool = setting(
        "BARONG_WEBHOOK_PLAIN_HTTP",
        fields.Boolean(),
        "Whether endpoints may have http URLs. Otherwise they need https.",
        False,
    )
    endpoint_limit: int = setting(
        "BARONG_WEBHOOK_ENDPOINTS", positive(1000), "How many endpoints there may be.", 100
    )
    timeout: int = setting(
        "BARONG_WEBHOOK_TIMEOUT",
        positive(60),
        "Longest time of a delivery, in seconds, from the connection to the end of the answer.",
        15,
    )
    concurrency: int = setting(
        "BARONG_WEBHOOK_CONCURRENCY",
        positive(50),
        "How many deliveries one instance sends to an endpoint at the same time.",
        5,
    )
    backlog: int = setting(
        "BARONG_WEBHOOK_BACKLOG",
        positive(10**7),
        "How many deliveries may wait for an endpoint. With more, it is disabled.",
        100_000,
    )
    disable_hours: int = setting(
        "BARONG_WEBHOOK_DISABLE_AFTER_HOURS",
        positive(1000),
        "An endpoint is disabled when every delivery has failed for so many hours.",
        72,
    )
    log_days: int = setting(
        "BARONG_WEBHOOK_LOG_DAYS",
        positive(365),
        "For how many days the log has a delivery that has ended.",
        14,
    )
