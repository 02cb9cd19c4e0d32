"""Makes accounts."""

import secrets
from dataclasses import dataclass, replace

from identity_svc.activities.models import SIGN_UP
from identity_svc.activities.use_cases import Activities
from identity_svc.confirmations.events import confirmation_token, email_confirmed
from identity_svc.confirmations.use_cases import Confirmations
from identity_svc.core import Core
from identity_svc.linked_accounts.use_cases import LinkedAccounts
from identity_svc.mail_tokens.models import CONFIRMATION
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.openid_providers.models import Identity
from identity_svc.passwords.hasher import PasswordHasher
from identity_svc.passwords.models import PasswordRules
from identity_svc.passwords.use_cases import Passwords, password_rules
from identity_svc.sessions.models import OpenedSession
from identity_svc.sessions.use_cases import Sessions
from identity_svc.sign_ups.models import InvalidReferralFormat, ReferralDoesntExist
from identity_svc.sign_ups.schemas import SignUpForm
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.events import user_created
from identity_svc.users.models import (
    EmailTaken,
    NewUser,
    UidTaken,
    data_faults,
    email_faults,
    new_uid,
)
from identity_svc.users.use_cases import Users
from identity_svc.users.use_cases import build as build_users
from shared.contracts.activities import Client
from shared.contracts.administration import SUPERADMIN
from shared.contracts.authentication import PASSWORD
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.policy.account_status import AccountStatusRules
from shared.policy.account_status_files import account_status_rules
from shared.text import ascii_email

_UID_ATTEMPTS = 5  # of 2^40 uids: two collisions in a row do not happen
_SUPERADMIN_LABELS = {"email": "verified"}


@dataclass(frozen=True, slots=True)
class SignUps:
    """A new member is pending and of level 0 until they confirm their address."""

    database: Database
    outbox: Outbox
    users: Users
    passwords: Passwords
    sessions: Sessions
    mail_tokens: MailTokens
    confirmations: Confirmations
    linked_accounts: LinkedAccounts
    throttle: Throttle
    activities: Activities
    uid_prefix: str
    domain: str

    async def sign_up(self, form: SignUpForm, client: Client) -> OpenedSession:
        """Makes an account, sends a token for its confirmation, and opens its first session.

        Raises `Throttled`, `InvalidReferralFormat`, `ReferralDoesntExist`, `Invalid` with every
        other fault, or `EmailTaken` when a simultaneous sign-up was quicker.
        """
        await self.throttle.attempt("sign-up", form.email, client)
        await self._refuse_faults(form)
        digest = await self.passwords.hasher.digest(form.password)
        async with self.database.transaction() as connection:
            new = NewUser(
                uid=new_uid(self.uid_prefix),
                email=form.email,
                password_digest=digest,
                referral_uid=form.refid,
                data=form.data,
            )
            user = await self._create(connection, new)
            await self.mail_tokens.quota.take(connection, user, CONFIRMATION)
            token = await self.mail_tokens.issue(connection, user, CONFIRMATION)
            await self.outbox.add(
                connection,
                user_created(user),
                confirmation_token(user, self.domain, token),
            )
            await self.activities.record_success(connection, user.uid, client, SIGN_UP)
            return await self.sessions.open(connection, user, client, PASSWORD)

    async def sign_up_by_provider(self, identity: Identity, email: str, client: Client) -> str:
        """The uid of a new account, linked to this one at a provider, which verified the address.

        So the address is confirmed. Nobody knows the password: the user resets it if they want one.
        Raises `Throttled`, `EmailTaken`, or `LinkedAccountTaken` where simultaneous ones were
        quicker.
        """
        await self.throttle.attempt("sign-up", email, client)
        async with self.database.connection() as connection:
            if await self.users.email_exists(connection, email):
                raise EmailTaken
        digest = await self.passwords.hasher.digest(secrets.token_urlsafe(32))
        async with self.database.transaction() as connection:
            new = NewUser(uid=new_uid(self.uid_prefix), email=email, password_digest=digest)
            user = await self._create(connection, new)
            await self.outbox.add(connection, user_created(user))
            await self.activities.record_success(connection, user.uid, client, SIGN_UP)
            await self.confirmations.note_proof(connection, user)
            await self.linked_accounts.link(connection, user, identity, client)
        await self.confirmations.activate(user.uid)
        return user.uid

    async def _refuse_faults(self, form: SignUpForm) -> None:
        async with self.database.connection() as connection:
            if form.refid is not None:
                if not form.refid.startswith(self.uid_prefix):
                    raise InvalidReferralFormat
                if not await self.users.uid_exists(connection, form.refid):
                    raise ReferralDoesntExist
            faults = data_faults(form.data) + email_faults(form.email)
            if await self.users.email_exists(connection, form.email):
                faults.append("email.taken")
        faults += self.passwords.rules.faults(form.password)
        if faults:
            raise Invalid(faults)

    async def _create(self, connection: Connection, new: NewUser) -> User:
        for _ in range(_UID_ATTEMPTS):
            try:
                async with connection.transaction():
                    return await self.users.create(connection, new)
            except UidTaken:
                new = replace(new, uid=new_uid(self.uid_prefix))
        raise UidTaken


@dataclass(frozen=True, slots=True)
class Superadmins:
    """The first superadmin, made by a command."""

    database: Database
    outbox: Outbox
    users: Users
    hasher: PasswordHasher
    password_rules: PasswordRules
    status_rules: AccountStatusRules
    uid_prefix: str
    domain: str

    async def seed(self, email: str, password: str) -> bool:
        """Makes the account; false if it exists already, which changes nothing.

        Raises `Invalid` for a bad e-mail or password.
        """
        email = ascii_email(email)
        faults = email_faults(email) + self.password_rules.faults(password)
        if faults:
            raise Invalid(faults)
        async with self.database.connection() as connection:
            if await self.users.email_exists(connection, email):
                return False
        new = NewUser(
            uid=new_uid(self.uid_prefix),
            email=email,
            password_digest=await self.hasher.digest(password),
            role=SUPERADMIN,
            state=self.status_rules.state(_SUPERADMIN_LABELS),
            level=self.status_rules.level(_SUPERADMIN_LABELS),
            email_confirmed=True,
        )
        try:
            async with self.database.transaction() as connection:
                user = await self.users.create(connection, new)
                await self.outbox.add(
                    connection, user_created(user), email_confirmed(user, user, self.domain)
                )
        except EmailTaken:
            return False
        return True


def build(
    core: Core,
    users: Users,
    passwords: Passwords,
    sessions: Sessions,
    mail_tokens: MailTokens,
    confirmations: Confirmations,
    linked_accounts: LinkedAccounts,
    throttle: Throttle,
    activities: Activities,
) -> SignUps:
    """The sign-ups of this installation."""
    settings = core.settings
    return SignUps(
        core.database,
        core.outbox,
        users,
        passwords,
        sessions,
        mail_tokens,
        confirmations,
        linked_accounts,
        throttle,
        activities,
        settings.uid_prefix,
        settings.domain,
    )


def superadmins(core: Core) -> Superadmins:
    """For the command; its hasher has to be opened."""
    settings = core.settings
    return Superadmins(
        core.database,
        core.outbox,
        build_users(core),
        PasswordHasher(1),
        password_rules(settings),
        account_status_rules(settings.config_dir),
        settings.uid_prefix,
        settings.domain,
    )
