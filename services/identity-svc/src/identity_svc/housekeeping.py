"""Deletes what has expired."""

import asyncio

from identity_svc.mail_log_ins.use_cases import MailLogIns
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.passkeys.use_cases import Passkeys
from identity_svc.provider_log_ins.use_cases import ProviderLogIns
from identity_svc.sessions.use_cases import Sessions
from identity_svc.throttling.use_cases import Throttle
from identity_svc.trusted_devices.use_cases import TrustedDevices
from identity_svc.users.use_cases import Users
from shared.database.pool import Database

_SECONDS = 600


async def run_housekeeping(
    database: Database,
    users: Users,
    sessions: Sessions,
    mail_tokens: MailTokens,
    mail_log_ins: MailLogIns,
    passkeys: Passkeys,
    provider_log_ins: ProviderLogIns,
    trusted_devices: TrustedDevices,
    throttle: Throttle,
) -> None:
    """Deletes what has expired, now and every ten minutes."""
    while True:
        async with database.transaction() as connection:
            await users.delete_expired(connection)
            await sessions.delete_expired(connection)
            await mail_tokens.delete_expired(connection)
            await mail_log_ins.delete_expired(connection)
            await passkeys.delete_expired(connection)
            await provider_log_ins.delete_expired(connection)
            await trusted_devices.delete_expired(connection)
            await throttle.delete_forgiven(connection)
        await asyncio.sleep(_SECONDS)
