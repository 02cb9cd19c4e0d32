"""What admin-svc does on the events of others."""

from collections.abc import Mapping

from admin_svc.activities.use_cases import Activities
from admin_svc.directory.use_cases import Directory
from admin_svc.erasure.erase_user import EraseUser
from shared.database.pool import Database
from shared.messaging.inbox import Reaction, once


def reactions(
    database: Database, directory: Directory, erase_user: EraseUser
) -> Mapping[str, Reaction]:
    """Event name → what we do."""
    user = once(database, directory.upsert_user)
    attachments = once(database, directory.upsert_attachments)
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
        "system.user.erased": erase_user,
    }


def activity_reactions(activities: Activities) -> Mapping[str, Reaction]:
    """Event name → what we do; no inbox, for an activity that is told again changes nothing."""
    return {"system.activity.recorded": activities.record_event}


def audit_reactions(activities: Activities) -> Mapping[str, Reaction]:
    """The same for what gateways tell."""
    return {"audit": activities.record_audit}
