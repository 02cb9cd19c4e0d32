"""Ends whatever lets a user in who may not log in any more."""

from identity_svc.mail_tokens import tokens
from identity_svc.sessions import revoke
from identity_svc.standing.rules import MAY_LOG_IN
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


async def shut_out(connection: Connection, outbox: Outbox, user: User) -> None:
    """Ends sessions and mailed tokens, in the transaction of the state that forbids them."""
    if user.state in MAY_LOG_IN:
        return
    await tokens.forget(connection, user.uid, tokens.CONFIRMATION, tokens.RESET)
    await revoke.all_sessions(connection, outbox, user)
