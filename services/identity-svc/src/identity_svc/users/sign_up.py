"""Makes an account, asks for its confirmation, and opens its first session."""

from dataclasses import dataclass

from identity_svc.activities import deeds
from identity_svc.activities.record import RecordActivities
from identity_svc.confirmations.events import confirmation_token
from identity_svc.mail_tokens.quota import MailQuota
from identity_svc.mail_tokens.tokens import CONFIRMATION, MailTokens
from identity_svc.passwords.hasher import PasswordHasher
from identity_svc.passwords.rules import PasswordRules
from identity_svc.sessions.open_session import OpenedSession, OpenSession
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users import store
from identity_svc.users.errors import InvalidReferralFormat, ReferralDoesntExist, UidTaken
from identity_svc.users.events import user_created
from identity_svc.users.forms import SignUpForm
from identity_svc.users.rules import data_faults, email_faults, new_uid
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox

_UID_ATTEMPTS = 5  # of 2^40 uids: two collisions in a row do not happen


@dataclass(frozen=True, slots=True)
class SignUp:
    """A new member is pending and of level 0 until he confirms his address."""

    database: Database
    outbox: Outbox
    throttle: Throttle
    hasher: PasswordHasher
    password_rules: PasswordRules
    tokens: MailTokens
    quota: MailQuota
    open_session: OpenSession
    record: RecordActivities
    uid_prefix: str
    domain: str

    async def __call__(self, form: SignUpForm, client: Client) -> OpenedSession:
        """Raises `Throttled`, `Invalid` with every fault, `EmailTaken` when another was quicker."""
        email = form.email
        await self.throttle.attempt("sign-up", email, client)
        await self._refuse_faults(form, email)
        digest = await self.hasher.digest(form.password)
        async with self.database.transaction() as connection:
            user = await self._insert(connection, form, email, digest)
            await self.quota.take(connection, user, CONFIRMATION)
            token = await self.tokens.issue(connection, user, CONFIRMATION)
            await self.outbox.add(
                connection,
                user_created(user),
                confirmation_token(user, self.domain, token),
            )
            await self.record.success(connection, user.uid, client, deeds.SIGN_UP)
            return await self.open_session(connection, user, client)

    async def _refuse_faults(self, form: SignUpForm, email: str) -> None:
        async with self.database.connection() as connection:
            if form.refid is not None:
                if not form.refid.startswith(self.uid_prefix):
                    raise InvalidReferralFormat
                if not await store.uid_exists(connection, form.refid):
                    raise ReferralDoesntExist
            faults = data_faults(form.data) + email_faults(email)
            if await store.email_exists(connection, email):
                faults.append("email.taken")
        faults += self.password_rules.faults(form.password)
        if faults:
            raise Invalid(faults)

    async def _insert(
        self, connection: Connection, form: SignUpForm, email: str, digest: str
    ) -> User:
        for _ in range(_UID_ATTEMPTS):
            new = store.NewUser(
                uid=new_uid(self.uid_prefix),
                email=email,
                password_digest=digest,
                referral_uid=form.refid,
                data=form.data,
            )
            try:
                async with connection.transaction():
                    return await store.insert_user(connection, new)
            except UidTaken:
                continue
        raise UidTaken
