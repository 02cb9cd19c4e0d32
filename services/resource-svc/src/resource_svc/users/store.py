"""SQL of the replica of identity-svc's users."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from resource_svc.data_storages.data_storage import DataStorage
from resource_svc.labels.label import Label
from resource_svc.phones.models import Phone
from resource_svc.profiles.profile import Profile
from shared.contracts.users import User
from shared.database.pool import Connection, Record

T = TypeVar("T")

_COLUMNS = ", ".join(User.__slots__)


class Attachment(Protocol):
    """A record that a user has attached to himself."""

    def model(self) -> dict[str, Any]:
        """As the public API shows it."""
        ...


async def keep_newer(connection: Connection, user: User) -> User:
    """Stores the user, unless the one that is stored is as new; the one that is stored then."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO users (
            uid, email, role, level, otp, state, referral_uid, data, created_at, updated_at, version
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (uid) DO UPDATE
        SET email = excluded.email,
            role = excluded.role,
            level = excluded.level,
            otp = excluded.otp,
            state = excluded.state,
            referral_uid = excluded.referral_uid,
            data = excluded.data,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at,
            version = excluded.version
        WHERE users.version < excluded.version
        RETURNING {_COLUMNS}
        """,
        user.uid,
        user.email,
        user.role,
        user.level,
        user.otp,
        user.state,
        user.referral_uid,
        user.data,
        user.created_at,
        user.updated_at,
        user.version,
    )
    return User(**row) if row else (await user_by_uid(connection, user.uid) or user)


async def user_by_uid(connection: Connection, uid: str) -> User | None:
    """The user as last told of."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    return User(**row) if row else None


async def users_with_attachments(
    connection: Connection, uids: Sequence[str]
) -> list[tuple[User | None, Mapping[str, Sequence[Attachment]]]]:
    """Each user as last told of, and what is attached to them, the oldest first; in the order of
    `uids`.
    """
    rows = await connection.fetch(_WITH_ATTACHMENTS, uids)
    return [
        (
            _made(User, row["user"]) if row["user"] else None,
            {name: [_made(kind, each) for each in row[name]] for name, kind in _ATTACHED.items()},
        )
        for row in rows
    ]


def _select(name: str, kind: type[Any]) -> str:
    """The records of the user `asked` in the table `name`."""
    return f"SELECT {', '.join(kind.__slots__)} FROM {name} WHERE uid = asked.uid"


def _made(kind: type[T], record: Record) -> T:
    """What a record without names stands for, whose columns are the fields of `kind`."""
    return kind(**dict(zip(kind.__slots__, record, strict=True)))  # type: ignore[attr-defined]


_ATTACHED: Mapping[str, type[Attachment]] = {
    "labels": Label,
    "phones": Phone,
    "profiles": Profile,
    "data_storages": DataStorage,
}

# The tables of other rooms are read here, and only here, because this is what front ends ask for
# at every page: one statement takes a third of the time of five.
_WITH_ATTACHMENTS = (
    ", ".join(
        (
            f"SELECT (SELECT kept FROM ({_select('users', User)}) AS kept) AS user",
            *(
                f"ARRAY(SELECT kept FROM ({_select(name, kind)} ORDER BY id) AS kept) AS {name}"
                for name, kind in _ATTACHED.items()
            ),
        )
    )
    + " FROM unnest($1::text[]) WITH ORDINALITY AS asked (uid, place) ORDER BY place"
)


async def lock_user(connection: Connection, uid: str) -> User | None:
    """The user as last told of, whom nobody changes until the transaction ends."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    return User(**row) if row else None


async def lock_users(connection: Connection, uids: Collection[str]) -> Mapping[str, User]:
    """Those of these users who are known, whom nobody changes until the transaction ends.

    They are locked in one order, whoever asks.
    """
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = ANY($1)
        ORDER BY uid
        FOR UPDATE
        """,
        list(uids),
    )
    return {row["uid"]: User(**row) for row in rows}
