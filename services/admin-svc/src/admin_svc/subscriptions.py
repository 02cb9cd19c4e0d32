"""The events that admin-svc receives, and its reactions."""

from collections.abc import Mapping
from dataclasses import dataclass

from admin_svc.activities.use_cases import Activities
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from admin_svc.directory.use_cases import Directory
from admin_svc.erasure.use_cases import Erasure
from shared.contracts import topology
from shared.messaging.audits import AuditSeal
from shared.messaging.envelope import EventVerifier
from shared.messaging.inbox import Reaction, once
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber


@dataclass(frozen=True, slots=True)
class Subscribers:
    """One subscriber for each queue; floods of activities and audits delay no other events."""

    events: Subscriber
    activities: Subscriber
    audits: Subscriber


def subscribers(
    core: Core,
    directory: Directory,
    activities: Activities,
    erasure: Erasure,
    audit: AuditTrail,
) -> Subscribers:
    """The subscribers, not yet connected."""
    url, lag = core.settings.broker_url, QueueMetrics(core.registry)
    verifier = EventVerifier(core.keys, core.settings.jwt_issuer)
    seal = AuditSeal(core.settings.service_keys)
    events = _events(core, directory, erasure, audit)
    # Activities need no inbox: repeated ones change nothing.
    recorded = {"system.activity.recorded": activities.record_event}
    audited = {"audit": activities.record_audit}
    return Subscribers(
        events=Subscriber(url, topology.ADMIN, verifier, events, lag),
        activities=Subscriber(url, topology.ACTIVITIES, verifier, recorded, lag),
        audits=Subscriber(url, topology.AUDITS, seal, audited, lag),
    )


def _events(
    core: Core, directory: Directory, erasure: Erasure, audit: AuditTrail
) -> Mapping[str, Reaction]:
    user = once(core.database, directory.upsert_user)
    attachments = once(core.database, directory.upsert_attachments)
    webhook = once(core.database, audit.append_webhook_change)
    oauth_client = once(core.database, audit.append_client_change)
    return {
        "model.user.created": user,
        "model.user.updated": user,
        "model.label.created": attachments,
        "model.label.updated": attachments,
        "model.label.deleted": attachments,
        "model.profile.created": attachments,
        "model.profile.updated": attachments,
        "model.phone.created": attachments,
        "model.phone.updated": attachments,
        "model.phone.deleted": attachments,
        "model.document.created": attachments,
        "model.data_storage.created": attachments,
        "model.data_storage.deleted": attachments,
        "model.webhook.created": webhook,
        "model.webhook.updated": webhook,
        "model.webhook.deleted": webhook,
        "model.oauth_client.created": oauth_client,
        "model.oauth_client.updated": oauth_client,
        "model.oauth_client.deleted": oauth_client,
        "system.user.erased": erasure.erase,
    }
