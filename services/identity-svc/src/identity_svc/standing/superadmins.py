"""The last active superadmin stays, or nobody could give anybody power again."""

from identity_svc.standing import store
from shared.contracts.administration import SUPERADMIN
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.errors import Invalid
from shared.policy.standing import ACTIVE


class LastSuperadmin(Invalid):
    """No other superadmin is active."""

    codes = ("admin.user.last_superadmin",)


async def is_last(connection: Connection, user: User) -> bool:
    """Whether a locked user is the only active superadmin; asked before that is taken from them."""
    if (user.role, user.state) != (SUPERADMIN, ACTIVE):
        return False
    return not await store.another_superadmin_is_active(connection, user.uid)


async def demand_another(connection: Connection, user: User) -> None:
    """Raises `LastSuperadmin` where a locked user is the only one."""
    if await is_last(connection, user):
        raise LastSuperadmin
