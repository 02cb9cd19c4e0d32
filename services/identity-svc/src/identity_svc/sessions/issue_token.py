"""Gives the gateway a token of a user whom an API key stands for."""

from dataclasses import dataclass

from identity_svc.sessions.open_session import upstream_token
from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.users.find_user import FindUser
from shared.contracts.sessions import UserToken


@dataclass(frozen=True, slots=True)
class IssueToken:
    """Whatever the user's state: whether he may call is the gateway's decision."""

    find_user: FindUser
    keys: KeyChain

    async def __call__(self, uid: str) -> UserToken:
        """The user with a short-lived token that no session stands behind.

        Raises `UserNotFound`.
        """
        user = await self.find_user(uid)
        token, ends = upstream_token(self.keys, user, None)
        return UserToken(user=user, token=token, expires_at=ends)
