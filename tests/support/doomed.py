"""A member with a unique value in every field that a member can write."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.integration.resource.test_documents import PNG, upload
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until


def marker() -> str:
    """Letters that stand nowhere else; names, keys and numbers of documents may have them."""
    return "".join(random.choices("qxzjvwk", k=16))


@dataclass(frozen=True, slots=True)
class Doomed:
    """Who they are, and their unique values, field by field."""

    uid: str
    email: str
    markers: dict[str, str]


_TEXTS = (
    *("email", "data", "later_data", "user_agent", "label_key", "label_value"),
    *("first_name", "last_name", "address", "postcode", "city", "profile_metadata"),
    *("doc_number", "doc_metadata", "file_name", "file_content", "data_storage"),
)


async def doomed(client: Client) -> Doomed:
    """A new member, who fills in everything."""
    marks = {field: marker() for field in _TEXTS}
    marks["phone"] = f"4915112{random.randint(100_000, 999_999)}"
    marks["ip"] = (
        f"2001:db8:{random.randint(0x1000, 0xFFFF):x}:{random.randint(0x1000, 0xFFFF):x}::1"
    )
    client.headers = {
        "User-Agent": f"Mozilla/5.0 {marks['user_agent']}",
        "X-Forwarded-For": marks["ip"],
    }
    email = f"{marks['email']}@example.com"
    await client.sign_up(email=email, data=_json(marks["data"]))
    uid = (await client.confirm()).body["uid"]
    forms: tuple[tuple[str, str, Any], ...] = (
        ("POST", "labels", {"key": marks["label_key"], "value": marks["label_value"]}),
        ("POST", "profiles", _profile(marks)),
        ("POST", "phones", {"phone_number": f"+{marks['phone']}"}),
        ("POST", "data_storage", {"title": "personal", "data": _json(marks["data_storage"])}),
        ("PUT", "users/me", {"data": _json(marks["later_data"])}),
    )
    answers = [await client.call(verb, f"resource/{path}", form) for verb, path, form in forms]
    file = f"{marks['file_name']}.png", PNG + marks["file_content"].encode()
    number, metadata = marks["doc_number"], _json(marks["doc_metadata"])
    answers.append(await upload(client, file, doc_number=number, metadata=metadata))
    answers.append(await client.log_in())
    assert all(answer.status < 300 for answer in answers), answers
    return Doomed(uid, email, marks)


def _profile(marks: Mapping[str, str]) -> dict[str, str]:
    names = ("first_name", "last_name", "address", "postcode", "city")
    written = {name: marks[name] for name in names}
    metadata = _json(marks["profile_metadata"])
    return {**written, "dob": "1990-12-10", "country": "GB", "metadata": metadata}


def _json(text: str) -> str:
    return f'{{"note":"{text}"}}'


async def delete_account(client: Client, system: Installation, uid: str, days: float) -> None:
    """They delete their account, which then was so many days ago."""
    answer = await client.call("DELETE", "resource/users/me", {"password": PASSWORD})
    assert answer.status == 204, answer
    await age_deletion(system, uid, days)


async def age_deletion(system: Installation, uid: str, days: float) -> None:
    """Makes it as if the user had been deleted so many days ago, once they are deleted."""
    async with tables_of_identity(system) as tables:
        await until(lambda: _aged(tables, uid, days))


async def _aged(tables: "asyncpg.Connection[asyncpg.Record]", uid: str, days: float) -> bool:
    status = await tables.execute(
        """
        UPDATE users
        SET deleted_at = now() - make_interval(secs => $2)
        WHERE uid = $1 AND state = 'deleted'
        """,
        uid,
        days * 86_400,
    )
    return str(status) == "UPDATE 1"
