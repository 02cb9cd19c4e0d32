"""What private labels say about an account, and why a status does not change."""

from collections.abc import Mapping

from shared.contracts.labels import DELETED_BY_USER
from shared.errors import Invalid


class LastSuperadmin(Invalid):
    """No other superadmin is active."""

    codes = ("admin.user.last_superadmin",)


def deleted_by_user(labels: Mapping[str, str]) -> bool:
    """Whether these private labels (key to value) say that the user deleted their account."""
    key, value = DELETED_BY_USER
    return labels.get(key) == value
