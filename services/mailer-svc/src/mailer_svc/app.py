"""The one place where mailer-svc is wired."""

from datetime import UTC, datetime
from email.headerregistry import Address

from prometheus_client import Counter

from mailer_svc.mail.rendering import load_templates
from mailer_svc.mail.send import SendMail
from mailer_svc.mail.smtp import SmtpRelay
from mailer_svc.settings import MailerSettings
from mailer_svc.subscriptions import reactions
from shared.clients.identity import IdentityClient
from shared.contracts import topology
from shared.contracts.services import MAILER
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.applications import WebLayer
from shared.web.metrics import Registry


def create_app(settings: MailerSettings) -> Service:
    """The service, not yet running; raises `SettingsError` when a mail cannot be made."""
    registry = Registry()
    tokens = ServiceTokens(MAILER, settings.service_keys)
    identity = IdentityClient(settings.identity_internal_url, tokens)
    keys = KeySet(identity.jwks)
    send = SendMail(
        templates=load_templates(settings.templates_dir, settings.default_language),
        relay=SmtpRelay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            user=settings.smtp_user,
            password=settings.smtp_password,
            tls=settings.smtp_tls,
            sender=settings.sender_email,
        ),
        sender=Address(settings.sender_name, addr_spec=settings.sender_email),
        app_name=settings.app_name,
        mails=Counter(
            "mails", "Mails by what became of them.", ("mail", "outcome"), registry=registry
        ),
        now=lambda: datetime.now(UTC),
    )
    subscriber = Subscriber(
        settings.broker_url,
        topology.MAILER,
        EventVerifier(keys, settings.jwt_issuer),
        reactions(send),
        QueueMetrics(registry),
    )
    return Service(
        name=MAILER,
        settings=settings,
        internal=WebLayer(registry, log_probes=settings.log_probes).internal(
            (),
            service_tokens=tokens,
            # It takes no calls, so that nobody misses it while it is not ready, and a release that
            # cannot reach the broker goes no further. No SMTP: events wait in the queue for the
            # relay, and no restart would bring it back.
            checks={"rabbitmq": subscriber.check, "keys": keys.loaded},
        ),
        parts=(identity.opened(), supervised("subscriber", subscriber.run)),
    )
