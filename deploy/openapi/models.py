"""The models of answers, as the contract names them."""

from typing import Any

from deploy.openapi.schemas import (
    BOOLEAN,
    DAY,
    INTEGER,
    JSON_TEXT,
    MOMENT,
    NUMBER,
    TEXT,
    Schema,
    by_key,
    maybe,
    model,
    one_of,
    ref,
    several,
)

_TIMES = {"created_at": MOMENT, "updated_at": MOMENT}

_ACCOUNT: dict[str, Any] = {
    "email": TEXT,
    "uid": {**TEXT, "description": "The user's identifier, as `ID0A1B2C3D4E`."},
    "role": TEXT,
    "level": {**INTEGER, "description": "How many of the configured levels are reached."},
    "otp": {**BOOLEAN, "description": "Whether the second factor is on."},
    "state": {
        **TEXT,
        "description": "pending, active, banned, deleted, locked or a configured one.",
    },
    "referral_uid": {**maybe(TEXT), "description": "Who referred the user."},
    "data": maybe(JSON_TEXT),
}

_LABEL: dict[str, Any] = {"key": TEXT, "value": TEXT, "scope": one_of("public", "private")}

_ATTACHED: dict[str, Any] = {
    "phones": several(ref("Phone")),
    "profiles": several(ref("Profile")),
    "data_storages": several(ref("DataStorage")),
}

MODELS: dict[str, Schema] = {
    "Errors": model(
        "Why a call was refused: stable codes, in the order of the parameters.",
        errors=several(TEXT),
    ),
    "Level": model(
        "A level, and the private label that reaches it.", id=INTEGER, key=TEXT, value=TEXT
    ),
    "Label": model("A label as its user sees it.", **_LABEL, **_TIMES),
    "AdminLabelView": model(
        "A label as administrators see it.", **_LABEL, description=maybe(TEXT), **_TIMES
    ),
    "ChangedLabel": model(
        "A label, and its user with the state and level that follow from it.",
        **_LABEL,
        description=maybe(TEXT),
        user=ref("User"),
        **_TIMES,
    ),
    "APIKey": model(
        "An API key; its secret is shown once, when it is made. One of `ed25519` has none.",
        optional=("secret", "public_key"),
        kid=TEXT,
        algorithm=one_of("HS256", "hmac-sha256", "ed25519"),
        scope=several(TEXT),
        state=one_of("active", "inactive", "disabled"),
        secret={
            "type": ["string", "object"],
            "description": "Text, or `{data: {value}}` where BARONG_VAULT_SHAPED_SECRETS is on.",
        },
        public_key={
            "type": "string",
            "description": "Of `ed25519`, in base64url; shown to the key's owner.",
        },
        **_TIMES,
    ),
    "Profile": model(
        "Who a user says they are.",
        first_name=maybe(TEXT),
        last_name=maybe(TEXT),
        dob=maybe(DAY),
        address=maybe(TEXT),
        postcode=maybe(TEXT),
        city=maybe(TEXT),
        country=maybe(TEXT),
        state=one_of("drafted", "submitted", "verified", "rejected"),
        metadata=maybe(JSON_TEXT),
        **_TIMES,
    ),
    "Phone": model(
        "A phone number; with a time once it was verified.",
        country=TEXT,
        number=TEXT,
        validated_at=maybe(MOMENT),
    ),
    "Document": model(
        "An uploaded file and what was said of it.",
        optional=("metadata", "created_at", "updated_at"),
        upload=model("The file.", url={**maybe(TEXT), "description": "A signed link; it expires."}),
        doc_type=TEXT,
        doc_number=TEXT,
        doc_expire=maybe(DAY),
        metadata=maybe(JSON_TEXT),
        **_TIMES,
    ),
    "DataStorage": model("A JSON text under a title.", title=TEXT, data=JSON_TEXT, **_TIMES),
    "User": model("A user.", **_ACCOUNT),
    "UserWithProfile": model(
        "A user with their profiles.", **_ACCOUNT, profiles=several(ref("Profile")), **_TIMES
    ),
    "UserWithKYC": model(
        "A user with everything that they are judged by.",
        **_ACCOUNT,
        **_ATTACHED,
        labels=several(ref("AdminLabelView")),
        documents=several(ref("Document")),
        **_TIMES,
    ),
    "UserWithFullInfo": model(
        "A user as they see themself; the CSRF token is there when a session was opened.",
        optional=("csrf_token",),
        **_ACCOUNT,
        csrf_token=TEXT,
        **_ATTACHED,
        labels=several(ref("Label")),
        **_TIMES,
    ),
    "Actor": model(
        "A user; of one who is erased, or too new to be known here, only the uid.",
        **{name: schema if name == "uid" else maybe(schema) for name, schema in _ACCOUNT.items()},
    ),
    "Activity": model(
        "Something a user did, as administrators see it.",
        user_ip=TEXT,
        user_agent=TEXT,
        topic=TEXT,
        action=TEXT,
        result=one_of("succeed", "failed", "denied"),
        data=maybe(JSON_TEXT),
        user=maybe(ref("Actor")),
        created_at=MOMENT,
    ),
    "AdminActivity": model(
        "Something an administrator did, and to whom.",
        user_ip=TEXT,
        user_agent=TEXT,
        topic=TEXT,
        action=TEXT,
        result=one_of("succeed", "failed", "denied"),
        data=maybe(JSON_TEXT),
        admin=maybe(ref("Actor")),
        target=maybe(ref("Actor")),
        created_at=MOMENT,
    ),
    "OwnActivity": model(
        "Something the caller did.",
        id=INTEGER,
        user_id={**INTEGER, "description": "A number of the caller's own, always the same."},
        target_uid=maybe(TEXT),
        category=one_of("user", "admin"),
        user_ip=TEXT,
        user_agent=TEXT,
        topic=TEXT,
        action=TEXT,
        result=one_of("succeed", "failed", "denied"),
        data=maybe(JSON_TEXT),
        created_at=MOMENT,
    ),
    "Permission": model(
        "What a role may do at a path and everything below it.",
        id=INTEGER,
        action=one_of("ACCEPT", "DROP", "AUDIT"),
        role=TEXT,
        verb=TEXT,
        path=TEXT,
        topic=maybe(TEXT),
        **_TIMES,
    ),
    "PermissionCheck": model(
        "What would become of a call.",
        path={**TEXT, "description": "The canonical path that was decided about."},
        allowed=BOOLEAN,
        action={
            **maybe(TEXT),
            "description": "What decides: DROP, ACCEPT, or nothing that accepts.",
        },
        audited=BOOLEAN,
        topic=maybe(TEXT),
        permissions=several(
            model(
                "A permission that matches, the shortest path first.",
                optional=("id", "created_at", "updated_at"),
                id=INTEGER,
                role=TEXT,
                verb=TEXT,
                path=TEXT,
                action=TEXT,
                topic=maybe(TEXT),
                **_TIMES,
            )
        ),
    ),
    "Restriction": model(
        "Addresses or places that are let in or kept out.",
        id=INTEGER,
        category=one_of("whitelist", "maintenance", "blacklist"),
        scope=one_of("all", "ip", "ip_subnet", "continent", "country"),
        value=TEXT,
        code={**INTEGER, "description": "The status with which callers are refused."},
        state=one_of("enabled", "disabled"),
        **_TIMES,
    ),
    "Whitelink": model("A link that lets an address in.", whitelink_token=TEXT),
    "Metrics": model(
        "What happened on each day of a period.",
        signups=by_key(INTEGER, "By day, YYYY-MM-DD."),
        sucessful_logins=by_key(INTEGER, "By day, YYYY-MM-DD."),
        failed_logins=by_key(INTEGER, "By day, YYYY-MM-DD."),
        pending_applications={**INTEGER, "description": "How many users wait to be judged now."},
    ),
    "Configs": model(
        "What front ends have to know.",
        optional=("captcha_id",),
        session_expire_time={**INTEGER, "description": "Seconds."},
        captcha_type=one_of("none", "recaptcha", "geetest"),
        captcha_id=TEXT,
        phone_verification_type=TEXT,
        password_min_entropy={**INTEGER, "description": "Bits."},
        password_regexp=TEXT,
    ),
    "Version": model(
        "Which build answers.",
        git_tag=maybe(TEXT),
        git_sha=maybe(TEXT),
        build_date=maybe(TEXT),
        version=maybe(TEXT),
    ),
    "Time": model(
        "The server's time.", time={**INTEGER, "description": "Seconds since the epoch."}
    ),
    "Ping": model("Somebody is there.", ping=one_of("pong")),
    "Entropy": model(
        "How hard a password is to guess.", entropy={**NUMBER, "description": "Bits."}
    ),
    "Session": model(
        "A session of the caller's.",
        id={**TEXT, "format": "uuid"},
        user_ip=TEXT,
        user_agent=TEXT,
        current={**BOOLEAN, "description": "Whether it is the one that asks."},
        created_at=MOMENT,
        expires_at={**MOMENT, "description": "When it ends, unless it is used before."},
    ),
    "CurrentSession": model(
        "The session by which the caller calls.",
        id={**TEXT, "format": "uuid"},
        user_ip=TEXT,
        user_agent=TEXT,
        current=BOOLEAN,
        created_at=MOMENT,
        expires_at={**MOMENT, "description": "When it ends, unless it is used before."},
        csrf_token={
            **maybe(TEXT),
            "description": "For whoever brings the session's cookie; null for a bearer.",
        },
    ),
    "Message": model("What was done.", message=TEXT),
    "QRCode": model(
        "A new second factor, to be scanned.",
        data=model(
            "The same secret twice.",
            barcode={**TEXT, "contentEncoding": "base64", "contentMediaType": "image/png"},
            url={**TEXT, "format": "uri"},
        ),
    ),
    "KeySet": model(
        "The public keys under which tokens and events verify (RFC 7517).",
        keys=several({"type": "object"}),
    ),
}
