"""What oauth-svc does on the events it subscribes to."""

from collections.abc import Mapping
from dataclasses import dataclass

from oauth_svc.consents.use_cases import Consents
from oauth_svc.logout.use_cases import Logouts
from oauth_svc.tokens.use_cases import Tokens
from shared.contracts import catalogue
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import MAY_ACT
from shared.database.pool import Connection, Database
from shared.messaging.inbox import Reaction, once
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class _Reactions:
    outbox: Outbox
    tokens: Tokens
    consents: Consents
    logouts: Logouts

    async def session_revoked(self, connection: Connection, event: ReceivedEvent) -> None:
        """Sends log-outs to clients, and ends tokens without offline access."""
        uid = event.record["user"]["uid"]
        await self.logouts.session_ended(connection, uid, event.record.get("sid"))

    async def user_updated(self, connection: Connection, event: ReceivedEvent) -> None:
        """Ends the tokens of a user who may not act any more."""
        if event.record["state"] not in MAY_ACT:
            await self.tokens.revoke(connection, uid=event.record["uid"])

    async def password_changed(self, connection: Connection, event: ReceivedEvent) -> None:
        """Ends everything that somebody who knew the old password may have authorized."""
        await self.tokens.revoke(connection, uid=event.record["user"]["uid"])

    async def user_erased(self, connection: Connection, event: ReceivedEvent) -> None:
        """Deletes everything about an erased user."""
        uid = event.record["uid"]
        await self.tokens.forget(connection, uid)
        await self.consents.forget(connection, uid)
        await self.logouts.forget(connection, uid)
        await self.outbox.forget(connection, uid)


def reactions(
    database: Database, outbox: Outbox, tokens: Tokens, consents: Consents, logouts: Logouts
) -> Mapping[str, Reaction]:
    """A reaction for each event of `shared.contracts.topology.OAUTH`."""
    made = _Reactions(outbox, tokens, consents, logouts)
    return {
        catalogue.SESSION_REVOKED.name: once(database, made.session_revoked),
        catalogue.USERS["updated"].name: once(database, made.user_updated),
        catalogue.PASSWORD_CHANGED.name: once(database, made.password_changed),
        catalogue.PASSWORD_RESET.name: once(database, made.password_changed),
        catalogue.USER_ERASED.name: once(database, made.user_erased),
    }
