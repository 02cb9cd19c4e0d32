"""Forgets what has expired."""

import asyncio

from identity_svc.mail_tokens.store import delete_expired as delete_expired_mail_tokens
from identity_svc.mail_tokens.store import delete_old_notes
from identity_svc.sessions.store import delete_expired as delete_expired_sessions
from identity_svc.throttling.store import delete_forgiven as delete_forgiven_attempts
from shared.database.pool import Database

_SECONDS = 600


async def keep_house(database: Database) -> None:
    """Deletes expired sessions, mail tokens and attempts, now and every ten minutes."""
    while True:
        async with database.transaction() as connection:
            await delete_expired_sessions(connection)
            await delete_expired_mail_tokens(connection)
            await delete_old_notes(connection)
            await delete_forgiven_attempts(connection)
        await asyncio.sleep(_SECONDS)
