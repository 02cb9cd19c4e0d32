"""Deletes an account for its user."""

from dataclasses import dataclass

from resource_svc.accounts.models import LastSuperadmin, MissingCode, WrongCode, WrongPassword
from resource_svc.core import Core
from resource_svc.labels.use_cases import Labels
from resource_svc.translated import translated
from resource_svc.users.use_cases import Users
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.administration import SUPERADMIN
from shared.contracts.labels import DELETED_BY_USER
from shared.contracts.users import MAY_ACT

_REFUSALS = {
    "password.wrong": WrongPassword,
    "otp.invalid": WrongCode,
    "otp.not_enabled": WrongCode,  # it was disabled at this very moment
    "admin.user.last_superadmin": LastSuperadmin,
}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts end by the label delete:by_user: identity-svc makes the state `deleted` of it.

    With that state sessions and API keys end; nothing is erased.
    """

    identity: IdentityClient
    users: Users
    labels: Labels

    async def delete(self, uid: str, password: str, code: str | None, client: Client) -> None:
        """Only somebody who knows the password learns whether there is a second factor.

        Raises what is in `accounts.models`, `Invalid` with `totp.error`, `Throttled`, `NotFound`
        or `Unavailable`.
        """
        with translated(_REFUSALS):
            user = await self.identity.verify_password(uid, password, client)
            if user.otp:
                if code is None:
                    raise MissingCode
                await self.identity.verify_code(uid, code, client)
            await self.identity.demand_successor(uid)
        async with self.users.actor_transaction(uid) as (connection, actor):
            labels = await self.labels.upsert_private(connection, actor, *DELETED_BY_USER)
        remaining = await self.labels.apply(labels)
        if remaining is not None and remaining.role == SUPERADMIN and remaining.state in MAY_ACT:
            await self._restore(uid)
            raise LastSuperadmin

    async def _restore(self, uid: str) -> None:
        """If several superadmins delete their accounts at the same time, the last one stays."""
        async with self.users.transaction(uid) as (connection, user):
            labels = await self.labels.delete_private(connection, user, DELETED_BY_USER[0])
        await self.labels.apply(labels)


def build(core: Core, users: Users, labels: Labels) -> Accounts:
    """The use cases of accounts."""
    return Accounts(core.identity, users, labels)
