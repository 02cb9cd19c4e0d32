"""The events of profiles."""

from typing import Literal

from resource_svc.profiles.models import Profile
from shared.contracts.catalogue import PROFILES
from shared.contracts.events import Event, Record, without_nulls
from shared.contracts.records import ProfileRecord
from shared.contracts.users import User
from shared.values.timestamps import seconds

Happening = Literal["created", "updated"]


def profile_event(
    happening: Happening, profile: Profile, user: User, changes: Record | None = None
) -> Event:
    """What happened to a profile."""
    record = ProfileRecord(
        user=user.to_event(),
        **profile.written(),
        created_at=seconds(profile.created_at),
        updated_at=seconds(profile.updated_at),
    )
    return PROFILES[happening].event(
        record,
        changes=changes,
        snapshot={"profile": profile.to_internal(), "language": user.language},
    )


def changes_between(before: Profile, after: Profile) -> Record:
    """The old values of what the user changed, as the record has them."""
    new = after.written()
    return without_nulls({n: old for n, old in before.written().items() if old != new[n]})
