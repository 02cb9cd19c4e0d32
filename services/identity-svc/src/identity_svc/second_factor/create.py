"""Makes the secret of a second factor that is not enabled yet."""

from dataclasses import dataclass, field

from identity_svc.activities.deeds import REQUEST_SECRET
from identity_svc.activities.record import RecordActivities
from identity_svc.second_factor import store
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.errors import AlreadyEnabled
from identity_svc.second_factor.rules import new_secret, otpauth_url
from shared.contracts.activities import Client
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class NewSecret:
    """What the authenticator is told, this once."""

    secret: str = field(repr=False)
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreateSecondFactor:
    """Every call makes another secret, in place of one that was never enabled."""

    database: Database
    authenticator: Authenticator
    record: RecordActivities
    app_name: str

    async def __call__(self, uid: str, client: Client) -> NewSecret:
        """Raises `UserNotFound` or `AlreadyEnabled`."""
        secret = new_secret()
        async with (
            self.record.refusals(uid, client, REQUEST_SECRET),
            self.database.transaction() as connection,
        ):
            user = await store.lock_user(connection, uid)
            if user.otp:
                raise AlreadyEnabled
            await store.put_secret(connection, uid, self.authenticator.seal(uid, secret))
            await self.record.success(connection, uid, client, REQUEST_SECRET)
        return NewSecret(secret, otpauth_url(secret, user.email, self.app_name))
