"""Changes the caller's password."""

from collections.abc import Mapping
from dataclasses import dataclass

from resource_svc.passwords.errors import PasswordsDiffer, SamePassword, WrongPassword
from resource_svc.passwords.forms import ChangePasswordForm
from resource_svc.translated import translated
from resource_svc.users.keep_user import KeepUser
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.errors import Refusal


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Identity-svc decides, notes what it refuses, and ends all sessions but the one that asks."""

    identity: IdentityClient
    keep_user: KeepUser

    async def __call__(
        self, uid: str, sid: str | None, form: ChangePasswordForm, client: Client
    ) -> User:
        """The user as he is now.

        Raises what is in `passwords.errors`, `Invalid` with what the new password lacks,
        `Throttled`, `NotFound` or `Unavailable`.
        """
        with translated(_WORDS):
            user = await self.identity.change_password(
                uid,
                form.old_password,
                form.new_password,
                sid,
                client,
                confirmation=form.confirm_password,
            )
        return await self.keep_user(user)


_WORDS: Mapping[str, type[Refusal]] = {
    "password.doesnt_match": PasswordsDiffer,
    "password.wrong": WrongPassword,
    "password.no_change": SamePassword,
}
