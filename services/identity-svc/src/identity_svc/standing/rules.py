"""What a user's state and labels mean for him."""

from collections.abc import Mapping

from shared.contracts.labels import DELETED_BY_USER
from shared.contracts.users import MAY_ACT

MAY_LOG_IN = MAY_ACT


def deleted_by_user(labels: Mapping[str, str]) -> bool:
    """Whether these private labels (key to value) say that the user deleted his account."""
    key, value = DELETED_BY_USER
    return labels.get(key) == value
