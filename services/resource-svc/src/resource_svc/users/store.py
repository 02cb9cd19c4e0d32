"""SQL of the replica of identity-svc's users."""

from shared.contracts.users import User
from shared.database.pool import Connection


async def keep_newer(connection: Connection, user: User) -> None:
    """Stores the user, unless the one that is stored is as new."""
    await connection.execute(
        """
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


async def user_by_uid(connection: Connection, uid: str) -> User | None:
    """The user as he was last told of."""
    row = await connection.fetchrow(
        """
        SELECT
            uid, email, role, level, otp, state, referral_uid, data, created_at, updated_at, version
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    return User(**row) if row else None


async def lock_user(connection: Connection, uid: str) -> User | None:
    """The same, whom nobody changes until the transaction ends."""
    row = await connection.fetchrow(
        """
        SELECT
            uid, email, role, level, otp, state, referral_uid, data, created_at, updated_at, version
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    return User(**row) if row else None
