"""A user with everything that they have attached, each part with its version."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class UserSnapshot:
    """A user and their sets of attachments; a kind of which they never had any is missing."""

    user: User
    sets: Sequence[AttachmentSnapshot]
