"""The events of recovery codes."""

from shared.contracts.activities import Client
from shared.contracts.catalogue import RECOVERY_CODE_USED, RECOVERY_CODES_CREATED
from shared.contracts.events import Event
from shared.contracts.records import ByClientRecord, RecoveryRecord
from shared.contracts.users import User


def codes_created(user: User, domain: str, client: Client) -> Event:
    """A user got new codes; the old ones, if there were any, are void."""
    return RECOVERY_CODES_CREATED.event(
        ByClientRecord(
            user=user.to_event(),
            domain=domain,
            user_ip=str(client.ip),
            user_agent=client.user_agent,
        ),
        snapshot=user.to_internal(),
    )


def code_used(user: User, domain: str, client: Client, remaining: int) -> Event:
    """Somebody gave a code in place of one of the authenticator."""
    return RECOVERY_CODE_USED.event(
        RecoveryRecord(
            user=user.to_event(),
            domain=domain,
            user_ip=str(client.ip),
            user_agent=client.user_agent,
            remaining=remaining,
        ),
        snapshot=user.to_internal(),
    )
