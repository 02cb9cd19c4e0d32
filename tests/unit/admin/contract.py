"""The operations of the contract, and who may call them as the default roles are described."""

STAFF = frozenset({"superadmin", "admin", "accountant", "compliance", "technical", "support"})
ROLES = STAFF | {"trader", "broker", "manager", "partner", "member"}

Operation = tuple[str, str]

_SUPERADMIN = frozenset({"superadmin"})
_WHOLE_ADMIN = _SUPERADMIN | {"admin"}
_READERS = _WHOLE_ADMIN | {"accountant", "technical"}
_KYC = _WHOLE_ADMIN | {"compliance"}

ADMIN: dict[Operation, frozenset[str]] = {
    ("GET", "admin/levels"): _READERS,
    ("GET", "admin/profiles"): _READERS | {"compliance"},
    ("PUT", "admin/profiles"): _KYC,
    ("GET", "admin/restrictions"): _READERS,
    ("POST", "admin/restrictions"): _WHOLE_ADMIN,
    ("PUT", "admin/restrictions"): _WHOLE_ADMIN,
    ("DELETE", "admin/restrictions"): _WHOLE_ADMIN,
    ("POST", "admin/restrictions/whitelink"): _WHOLE_ADMIN,
    ("GET", "admin/metrics"): STAFF,
    ("GET", "admin/activities"): STAFF,
    ("GET", "admin/activities/admin"): _SUPERADMIN,
    ("GET", "admin/permissions"): _SUPERADMIN,
    ("POST", "admin/permissions"): _SUPERADMIN,
    ("PUT", "admin/permissions"): _SUPERADMIN,
    ("DELETE", "admin/permissions"): _SUPERADMIN,
    ("GET", "admin/api_keys"): _READERS,
    ("GET", "admin/users"): STAFF,
    ("PUT", "admin/users"): _KYC | {"accountant"},
    ("POST", "admin/users/update"): _KYC | {"accountant"},
    ("POST", "admin/users/role"): _SUPERADMIN,
    ("GET", "admin/users/ID045180E628"): STAFF,
    ("DELETE", "admin/users/data_storage"): _KYC,
    ("GET", "admin/users/documents/pending"): STAFF,
    ("GET", "admin/users/labels"): STAFF,
    ("POST", "admin/users/labels"): _KYC,
    ("PUT", "admin/users/labels"): _KYC,
    ("DELETE", "admin/users/labels"): _KYC,
    ("POST", "admin/users/labels/update"): _KYC,
    ("GET", "admin/users/labels/list"): STAFF,
}

ABOUT_EVENTS: tuple[Operation, ...] = (
    ("GET", "admin/events"),
    ("GET", "admin/events/replays"),
    ("POST", "admin/events/replays"),
    ("DELETE", "admin/events/replays/1"),
    ("GET", "admin/dead_letters"),
    ("GET", "admin/dead_letters/admin-svc.audits"),
    ("POST", "admin/dead_letters/admin-svc.audits/replay"),
    ("DELETE", "admin/dead_letters/admin-svc.audits"),
    ("GET", "admin/snapshots/users"),
)
"""Operations of our own, which only a superadmin may call; whoever reads there is recorded."""

RESOURCE: tuple[Operation, ...] = (
    ("GET", "resource/api_keys"),
    ("POST", "resource/api_keys"),
    ("PATCH", "resource/api_keys/61d025b8573501c2"),
    ("DELETE", "resource/api_keys/61d025b8573501c2"),
    ("POST", "resource/data_storage"),
    ("GET", "resource/documents"),
    ("POST", "resource/documents"),
    ("GET", "resource/labels"),
    ("POST", "resource/labels"),
    ("GET", "resource/labels/email"),
    ("PATCH", "resource/labels/email"),
    ("DELETE", "resource/labels/email"),
    ("POST", "resource/otp/disable"),
    ("POST", "resource/otp/enable"),
    ("POST", "resource/otp/generate_qrcode"),
    ("POST", "resource/otp/verify"),
    ("GET", "resource/phones"),
    ("POST", "resource/phones"),
    ("POST", "resource/phones/send_code"),
    ("POST", "resource/phones/verify"),
    ("POST", "resource/profiles"),
    ("PUT", "resource/profiles"),
    ("GET", "resource/profiles/me"),
    ("GET", "resource/users/activity/all"),
    ("GET", "resource/users/me"),
    ("PUT", "resource/users/me"),
    ("DELETE", "resource/users/me"),
    ("PUT", "resource/users/password"),
)

IDENTITY: tuple[Operation, ...] = (
    ("GET", "identity/configs"),
    ("POST", "identity/password/validate"),
    ("GET", "identity/ping"),
    ("POST", "identity/sessions"),
    ("DELETE", "identity/sessions"),
    ("GET", "identity/time"),
    ("POST", "identity/users"),
    ("POST", "identity/users/access"),
    ("POST", "identity/users/email/confirm_code"),
    ("POST", "identity/users/email/generate_code"),
    ("POST", "identity/users/password/confirm_code"),
    ("POST", "identity/users/password/generate_code"),
    ("GET", "identity/users/register_geetest"),
    ("GET", "identity/version"),
)
