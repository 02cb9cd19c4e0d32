"""What admin-svc does on the events of others."""

from collections.abc import Mapping

from admin_svc.directory.keep import keep_user
from shared.database.pool import Database
from shared.messaging.inbox import Reaction, once


def reactions(database: Database) -> Mapping[str, Reaction]:
    """Event name → what we do."""
    return {
        "model.user.created": once(database, keep_user),
        "model.user.updated": once(database, keep_user),
    }
