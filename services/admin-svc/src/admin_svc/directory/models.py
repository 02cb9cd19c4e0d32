"""Users and their attachments as administrators see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.contracts.attachments import (
    DATA_STORAGES,
    DOCUMENTS,
    LABELS,
    PHONES,
    PROFILES,
)
from shared.contracts.users import User
from shared.web.answers import milliseconds, seconds

Record = Mapping[str, Any]

_PROFILE = (
    *("first_name", "last_name", "dob", "address", "postcode", "city", "country"),
    *("state", "metadata"),
)


def profile_model(record: Record) -> dict[str, Any]:
    """The `Profile` of the public API."""
    return {**{name: record[name] for name in _PROFILE}, **_moments(record)}


def user_with_profiles(user: User, profiles: Sequence[Record]) -> dict[str, Any]:
    """The `UserWithProfile` of the public API."""
    return _around(user, {PROFILES: [profile_model(each) for each in profiles]})


def user_with_everything(
    user: User, attachments: Mapping[str, Sequence[Record]], links: Mapping[str, str]
) -> dict[str, Any]:
    """The `UserWithKYC` of the public API; `links` lead to uploads."""
    return _around(
        user,
        {
            PROFILES: [profile_model(each) for each in attachments[PROFILES]],
            LABELS: [_label(each) for each in attachments[LABELS]],
            PHONES: [_phone(each) for each in attachments[PHONES]],
            DOCUMENTS: [_document(each, links[each["upload"]]) for each in attachments[DOCUMENTS]],
            DATA_STORAGES: [_data_storage(each) for each in attachments[DATA_STORAGES]],
        },
    )


def _around(user: User, attached: Mapping[str, Any]) -> dict[str, Any]:
    """The user with his attachments, in the order of the public API."""
    model = user.model()
    referral = model.pop("referral_uid")
    return {
        **model,
        **attached,
        "referral_uid": referral,
        "created_at": seconds(user.created_at),
        "updated_at": seconds(user.updated_at),
    }


def _label(record: Record) -> dict[str, Any]:
    names = ("key", "value", "scope", "description")
    return {**{name: record[name] for name in names}, **_moments(record)}


def _phone(record: Record) -> dict[str, Any]:
    proven = record["validated_at"]
    return {
        "country": record["country"],
        "number": record["number"],
        "validated_at": milliseconds(datetime.fromisoformat(proven)) if proven else None,
    }


def _document(record: Record, link: str) -> dict[str, Any]:
    names = ("doc_type", "doc_number", "doc_expire", "metadata")
    return {
        "upload": {"url": link},
        **{name: record[name] for name in names},
        **_moments(record),
    }


def _data_storage(record: Record) -> dict[str, Any]:
    return {"title": record["title"], "data": record["data"], **_moments(record)}


def _moments(record: Record) -> dict[str, str]:
    names = ("created_at", "updated_at")
    return {name: seconds(datetime.fromisoformat(record[name])) for name in names}
