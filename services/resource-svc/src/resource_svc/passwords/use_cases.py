"""Changes the caller's password."""

from collections.abc import Mapping
from dataclasses import dataclass

from resource_svc.core import Core
from resource_svc.passwords.models import PasswordsDiffer, SamePassword, WrongPassword
from resource_svc.passwords.schemas import ChangePasswordForm
from resource_svc.translated import translated
from resource_svc.users.use_cases import Users
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.errors import Refusal

_REFUSALS: Mapping[str, type[Refusal]] = {
    "password.doesnt_match": PasswordsDiffer,
    "password.wrong": WrongPassword,
    "password.no_change": SamePassword,
}


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords that identity-svc stores."""

    identity: IdentityClient
    users: Users

    async def change(
        self, uid: str, sid: str | None, form: ChangePasswordForm, client: Client
    ) -> User:
        """The user after the change, which ends all their sessions but the one with this `sid`.

        Identity-svc decides, and records what it refuses. Raises what is in `passwords.models`,
        `Invalid` with what the new password lacks, `Throttled`, `NotFound` or `Unavailable`.
        """
        with translated(_REFUSALS):
            user = await self.identity.change_password(
                uid,
                form.old_password,
                form.new_password,
                sid,
                client,
                confirmation=form.confirm_password,
            )
        return await self.users.upsert(user)


def build(core: Core, users: Users) -> Passwords:
    """The use cases of passwords."""
    return Passwords(core.identity, users)
