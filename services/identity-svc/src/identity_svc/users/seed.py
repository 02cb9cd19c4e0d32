"""Makes the first superadmin."""

from dataclasses import dataclass

from identity_svc.confirmations.events import email_confirmed
from identity_svc.passwords.hasher import PasswordHasher
from identity_svc.passwords.rules import PasswordRules
from identity_svc.users import store
from identity_svc.users.errors import EmailTaken
from identity_svc.users.events import user_created
from identity_svc.users.rules import email_faults, new_uid
from shared.database.pool import Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.policy.standing import StandingRules
from shared.text import ascii_email

_LABELS = {"email": "verified"}


@dataclass(frozen=True, slots=True)
class SeedSuperadmin:
    """An account that is there already stays as it is."""

    database: Database
    outbox: Outbox
    hasher: PasswordHasher
    password_rules: PasswordRules
    standing: StandingRules
    uid_prefix: str
    domain: str

    async def __call__(self, email: str, password: str) -> bool:
        """Whether the account was made; raises `Invalid` for a bad e-mail or password."""
        email = ascii_email(email)
        faults = email_faults(email) + self.password_rules.faults(password)
        if faults:
            raise Invalid(faults)
        async with self.database.connection() as connection:
            if await store.email_exists(connection, email):
                return False
        new = store.NewUser(
            uid=new_uid(self.uid_prefix),
            email=email,
            password_digest=await self.hasher.digest(password),
            role="superadmin",
            state=self.standing.state(_LABELS),
            level=self.standing.level(_LABELS),
            email_confirmed=True,
        )
        try:
            async with self.database.transaction() as connection:
                user = await store.insert_user(connection, new)
                await self.outbox.add(
                    connection, user_created(user), email_confirmed(user, user, self.domain)
                )
        except EmailTaken:
            return False
        return True
