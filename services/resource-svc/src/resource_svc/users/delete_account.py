"""Deletes an account for its owner."""

from dataclasses import dataclass

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.translated import translated
from resource_svc.users.errors import MissingCode, WrongCode, WrongPassword
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.labels import DELETED_BY_USER

_WORDS = {
    "password.wrong": WrongPassword,
    "otp.invalid": WrongCode,
    "otp.not_enabled": WrongCode,  # it was turned off in this very moment
}


@dataclass(frozen=True, slots=True)
class DeleteAccount:
    """The label delete:by_user, of which identity-svc makes the state `deleted`.

    With that state sessions and API keys end; nothing is erased.
    """

    identity: IdentityClient
    put_private_label: PutPrivateLabel
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
        labels = await self.put_private_label(uid, *DELETED_BY_USER)
        await self.apply_labels(labels)
