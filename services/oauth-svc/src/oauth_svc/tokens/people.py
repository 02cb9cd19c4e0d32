"""What identity-svc and resource-svc know about a user; claims are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oauth_svc.protocol.claims import Person
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.attachments import PHONES, PROFILES
from shared.contracts.users import MAY_ACT
from shared.errors import NotFound

_REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class People:
    """Users, fetched at each use: nothing about them is stored here."""

    identity: IdentityClient
    resource: ResourceClient

    async def find(self, uid: str, *, with_attachments: bool) -> Person | None:
        """The user; None for one who is gone or may not act. Raises `Unavailable`.

        Without attachments, profile and phone are not fetched.
        """
        try:
            user = await self.identity.user(uid)
        except NotFound:
            return None
        if user.state not in MAY_ACT:
            return None
        snapshots = await self.resource.attachment_snapshots([uid]) if with_attachments else ()
        records = {snapshot.kind: snapshot.records for snapshot in snapshots}
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
