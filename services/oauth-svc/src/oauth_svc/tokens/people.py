"""What identity-svc and resource-svc know about a user, as claims are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oauth_svc.protocol.claims import Person
from oauth_svc.protocol.errors import INVALID_TOKEN, OAuthError
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.attachments import PHONES, PROFILES
from shared.contracts.users import MAY_ACT
from shared.errors import NotFound

_REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class People:
    """Users, asked for at each use: nothing about them is stored here."""

    identity: IdentityClient
    resource: ResourceClient

    async def may_act(self, uid: str) -> bool:
        """Whether the user exists, and their state lets them act; raises `Unavailable`."""
        try:
            return (await self.identity.user(uid)).state in MAY_ACT
        except NotFound:
            return False

    async def get(self, uid: str) -> Person:
        """The user; raises `OAuthError` for one who is gone, or `Unavailable`."""
        try:
            user = await self.identity.user(uid)
        except NotFound:
            raise OAuthError(INVALID_TOKEN, "The user is gone.", status=401) from None
        records = {
            snapshot.kind: snapshot.records
            for snapshot in await self.resource.attachment_snapshots([uid])
        }
        return Person(
            email=user.email,
            level=user.level,
            language=user.language,
            updated_at=int(user.updated_at.timestamp()),
            profile=_profile(records.get(PROFILES, ())),
            phone=_phone(records.get(PHONES, ())),
        )


def _profile(profiles: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The newest one that nobody rejected."""
    good = [each for each in profiles if each["state"] != _REJECTED]
    return good[-1] if good else {}


def _phone(phones: Sequence[Mapping[str, Any]]) -> str | None:
    """The newest verified number, in E.164."""
    verified = [each["number"] for each in phones if each["validated_at"] is not None]
    return f"+{verified[-1]}" if verified else None
