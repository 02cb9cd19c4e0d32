"""Verdicts on what a user handed in. Nobody judges what they have not seen."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from console_svc.pages.api import ApiRefusal
from console_svc.pages.visit import Visit

WAITING = ("pending", "replaced")
"""The words on documents that wait for a verdict."""
SUBMITTED = "submitted"
"""The state of a profile that waits for a verdict."""

_VERIFIED, _REJECTED = "verified", "rejected"


def on_documents(user: Mapping[str, Any]) -> str:
    """The word on the user's documents: a verdict, or one of `WAITING`; blank without any."""
    for label in user["labels"]:
        if label["key"] == "document" and label["scope"] == "private":
            return str(label["value"])
    return ""


def waiting_profile(user: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The user's profile that waits for a verdict, and can be corrected."""
    newest: Mapping[str, Any] | None = user["profiles"][-1] if user["profiles"] else None
    return newest if newest is not None and newest["state"] == SUBMITTED else None


def seen(records: Sequence[Mapping[str, Any] | None]) -> str:
    """What a form says of the records beside it: a digest of them without their links."""
    plain = [
        {name: value for name, value in record.items() if name != "upload"} if record else None
        for record in records
    ]
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def check_seen(visit: Visit, records: Sequence[Mapping[str, Any] | None]) -> None:
    """Raises `ApiRefusal` if the form stood beside other records than these."""
    if visit.text("seen") != seen(records):
        raise ApiRefusal(409, ["console.changed_meanwhile"])


def verdict_of(visit: Visit) -> str:
    """The verdict of the button that was pressed; raises `ApiRefusal` if there was none."""
    verdict = visit.text("verdict")
    if verdict not in (_VERIFIED, _REJECTED):
        raise ApiRefusal(422, ["value.invalid"])
    return verdict


async def judge_documents(visit: Visit, user: Mapping[str, Any]) -> None:
    """Writes the verdict on a user's documents, which is a label; the user gets the reason."""
    form = {"uid": user["uid"], "key": "document", "value": verdict_of(visit), "scope": "private"}
    check_seen(visit, user["documents"])
    if reason := visit.text("description"):
        form["description"] = reason
    await visit.call("POST", "admin/users/labels/update", form)


async def judge_profile(visit: Visit, user: Mapping[str, Any]) -> None:
    """Verifies or rejects the user's profile that waits."""
    form = {"uid": user["uid"], "state": verdict_of(visit)}
    check_seen(visit, [waiting_profile(user)])
    await visit.call("PUT", "admin/profiles", form)


async def correct_profile(visit: Visit, user: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Writes these fields of the user's profile that waits; it goes on waiting."""
    check_seen(visit, [waiting_profile(user)])
    written = {name: visit.text(name) for name in fields}
    await visit.call("PUT", "admin/profiles", {"uid": user["uid"], **written})
