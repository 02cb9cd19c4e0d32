"""Wires mailer-svc."""

from mailer_svc.core import Core
from mailer_svc.mail.use_cases import build as build_mails
from mailer_svc.schema import MIGRATIONS
from mailer_svc.settings import MailerSettings
from mailer_svc.subscriptions import reactions
from shared.contracts import topology
from shared.contracts.services import MAILER
from shared.database.migrate import MigratedCheck
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.web.applications import WebLayer


def create_app(settings: MailerSettings) -> Service:
    """The service, not yet running; raises `SettingsError` when a mail cannot be made."""
    core = Core.of(settings)
    mails = build_mails(core)
    subscriber = Subscriber(
        settings.broker_url,
        topology.MAILER,
        EventVerifier(core.keys, settings.jwt_issuer),
        reactions(mails),
        QueueMetrics(core.registry),
    )
    return Service(
        name=MAILER,
        settings=settings,
        internal=WebLayer(core.registry, log_probes=settings.log_probes).internal(
            (),
            service_tokens=core.service_tokens,
            # It takes no calls: nobody misses it while it is not ready, and a release that cannot
            # reach the broker goes no further. SMTP is not checked: events wait in the queue for
            # the relay, and no restart would bring it back.
            checks={
                "postgresql": MigratedCheck(core.database, MIGRATIONS),
                "rabbitmq": subscriber.check,
                "keys": core.keys.loaded,
            },
        ),
        parts=(
            core.database.opened(),
            core.identity.opened(),
            supervised("housekeeping", mails.run_housekeeping),
            supervised("subscriber", subscriber.run),
        ),
    )
