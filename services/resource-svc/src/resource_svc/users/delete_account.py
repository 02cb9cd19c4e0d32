"""Deletes an account for its owner."""

from dataclasses import dataclass

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.labels.remove_private_label import RemovePrivateLabel
from resource_svc.translated import translated
from resource_svc.users.errors import LastSuperadmin, MissingCode, WrongCode, WrongPassword
from resource_svc.users.transactions import UserTransactions
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.administration import SUPERADMIN
from shared.contracts.labels import DELETED_BY_USER
from shared.contracts.users import MAY_ACT

_WORDS = {
    "password.wrong": WrongPassword,
    "otp.invalid": WrongCode,
    "otp.not_enabled": WrongCode,  # it was turned off in this very moment
    "admin.user.last_superadmin": LastSuperadmin,
}


@dataclass(frozen=True, slots=True)
class DeleteAccount:
    """The label delete:by_user, of which identity-svc makes the state `deleted`.

    With that state sessions and API keys end; nothing is erased.
    """

    transactions: UserTransactions
    identity: IdentityClient
    put_private_label: PutPrivateLabel
    remove_private_label: RemovePrivateLabel
    apply_labels: ApplyLabels

    async def __call__(self, uid: str, password: str, code: str | None, client: Client) -> None:
        """Whether there is a second factor is told only to who knows the password.

        Raises what is in `users.errors`, `Invalid` with `totp.error`, `Throttled`, `NotFound` or
        `Unavailable`.
        """
        with translated(_WORDS):
            user = await self.identity.verify_password(uid, password, client)
            if user.otp:
                if code is None:
                    raise MissingCode
                await self.identity.verify_code(uid, code, client)
            await self.identity.demand_successor(uid)
        async with self.transactions.of_actor(uid) as (connection, actor):
            labels = await self.put_private_label.within(connection, actor, *DELETED_BY_USER)
        left = await self.apply_labels(labels)
        if left is not None and left.role == SUPERADMIN and left.state in MAY_ACT:
            await self._stay(uid)
            raise LastSuperadmin

    async def _stay(self, uid: str) -> None:
        """Of superadmins who left at the same time the last did not get away."""
        async with self.transactions.of(uid) as (connection, user):
            labels = await self.remove_private_label.within(connection, user, DELETED_BY_USER[0])
        await self.apply_labels(labels)
