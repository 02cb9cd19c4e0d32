"""Which activities count for what."""

from shared.contracts.activities import Activity

SIGNUPS, SUCCESSFUL_LOGINS, FAILED_LOGINS = "signups", "successful_logins", "failed_logins"

DEEDS = {
    ("account", "signup", "succeed"): SIGNUPS,
    ("session", "login", "succeed"): SUCCESSFUL_LOGINS,
    ("session", "login::2fa", "succeed"): SUCCESSFUL_LOGINS,
    ("session", "login", "failed"): FAILED_LOGINS,
    ("session", "login::2fa", "failed"): FAILED_LOGINS,
}
"""What counts, by topic, action and result."""


def metric_of(activity: Activity) -> str | None:
    """What a user's activity counts for, None for nothing."""
    if activity.category != "user":
        return None
    return DEEDS.get((activity.topic, activity.action, activity.result))
