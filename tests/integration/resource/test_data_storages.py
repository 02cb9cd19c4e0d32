"""/resource/data_storage, through the gateway."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.settings import SettingsError
from tests.support.client import Client
from tests.support.events import Ear
from tests.support.own_service import member_of
from tests.support.system import ROOT, Installation
from tests.support.waiting import until

DATA_STORAGE = "resource/data_storage"
FULL = {"title": "personal", "data": '{"a":1}'}


def codes_of(name: str, *reasons: str) -> list[str]:
    return [f"resource.datastorage.{reason}_{name}" for reason in reasons]


NO_TITLE, NO_DATA = codes_of("title", "missing", "empty"), codes_of("data", "missing", "empty")

REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, NO_TITLE + NO_DATA),
    ({"data": "{}"}, NO_TITLE),
    ({"title": "", "data": "{}"}, NO_TITLE[1:]),
    ({"title": "  ", "data": "{}"}, NO_TITLE[1:]),
    ({"title": "personal"}, NO_DATA),
    ({"title": "personal", "data": ""}, NO_DATA[1:]),
    ({"title": "personal", "data": "  "}, NO_DATA[1:]),
    (FULL | {"title": "nope"}, ["title.inclusion"]),
    (FULL | {"title": "Personal"}, ["title.inclusion"]),
    (FULL | {"title": "x" * 10_000}, ["title.inclusion"]),
    *(
        (FULL | {"title": title}, ["title.inclusion", "title.exclusion"])
        for title in ("document", "label", "profile", "phone", "user")
    ),
    (FULL | {"data": "nope"}, ["data.invalid_format"]),
    (FULL | {"data": "{'a': 1}"}, ["data.invalid_format"]),
    (FULL | {"data": "Infinity"}, ["data.invalid_format"]),
    (FULL | {"data": "[" * 5000}, ["data.invalid_format"]),
    (FULL | {"data": f'"{"x" * 5119}"'}, ["data.too_long"]),
    (FULL | {"data": "x" * 5121}, ["data.too_long", "data.invalid_format"]),
    (FULL | {"data": {"a": 1}}, ["invalid"]),
    (FULL | {"data": [1]}, ["invalid"]),
    (FULL | {"data": '"\x07"'}, ["data.invalid_format"]),
    (FULL | {"title": "\x07"}, ["title.inclusion"]),
    ({"title": "nope", "data": "nope"}, ["data.invalid_format", "title.inclusion"]),
]


@pytest.mark.parametrize(("body", "errors"), REFUSED)
async def test_what_is_no_data_storage(
    shared_member: Client, body: dict[str, Any], errors: list[str]
) -> None:
    answer = await shared_member.post(DATA_STORAGE, json=body)
    assert (answer.status, answer.errors) == (422, errors)
    me = (await shared_member.get("resource/users/me")).body
    assert (me["data_storages"], [label["key"] for label in me["labels"]]) == ([], ["email"])


async def test_a_data_storage_is_shown_and_recorded(member: Client, ear: Ear) -> None:
    made = await member.post(DATA_STORAGE, FULL)
    assert made.status == 201
    assert list(made.body) == ["title", "data", "created_at", "updated_at"]
    assert made.body | FULL == made.body
    me = (await member.get("resource/users/me")).body
    assert me["data_storages"] == [made.body]
    assert [(label["key"], label["value"]) for label in me["labels"]] == [
        ("email", "verified"),
        ("personal", "recorded"),
    ]
    created, label = await ear.of(member.email, 2)
    assert (created.name, label.name) == ("model.data_storage.created", "model.label.created")
    assert set(created.record) == {"user", "title", "data", "created_at", "updated_at"}
    assert created.record["data"] == '{"a":1}'
    storage = created.snapshot["data_storage"]
    assert set(storage) == {"id", "uid", "title", "data", "version", "created_at", "updated_at"}
    assert (storage["uid"], storage["version"]) == (me["uid"], 1)


async def test_the_longest_data(member: Client) -> None:
    data = f'"{"ї" * 5118}"'
    made = await member.post(DATA_STORAGE, FULL | {"data": data})
    assert (made.status, made.body["data"]) == (201, data)


async def test_a_title_is_taken_once(member: Client) -> None:
    answers = await asyncio.gather(*(member.post(DATA_STORAGE, FULL) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 49
    assert all(a.errors == ["title.taken"] for a in answers if a.status == 422)
    again = await member.post(DATA_STORAGE, FULL | {"data": "nope"})
    assert (again.status, again.errors) == (422, ["data.invalid_format", "title.taken"])
    assert (await member.post(DATA_STORAGE, FULL | {"title": "company"})).status == 201


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder of configuration files that a test may change."""
    for file in (ROOT / "deploy" / "config").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


async def test_the_operator_chooses_titles(system: Installation, config: Path) -> None:
    (config / "data_storage_titles.yaml").write_text("titles: [family, phone]")
    async with member_of(system, BARONG_CONFIG_DIR=str(config)) as member:
        for title, errors in (("personal", ["title.inclusion"]), ("phone", ["title.exclusion"])):
            answer = await member.post(DATA_STORAGE, FULL | {"title": title})
            assert (answer.status, answer.errors) == (422, errors)
        assert (await member.post(DATA_STORAGE, FULL | {"title": "family"})).status == 201


@pytest.mark.parametrize(
    "content", ["", "titles:", "titles: personal", "titles: [Personal]", "titles: [1]", "a: [b]",
                "titles: [personal]\nother: 1", "titles: [}", b"\xff"],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_refused(
    system: Installation, config: Path, content: str | bytes
) -> None:
    file = config / "data_storage_titles.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SettingsError, match=r"data_storage_titles\.yaml"):
        system.service("resource", BARONG_CONFIG_DIR=str(config))


def test_a_file_that_is_missing_is_refused(system: Installation, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\.yaml"):
        system.service("resource", BARONG_CONFIG_DIR=str(tmp_path))


async def test_versions_count_the_storages_of_a_user(member: Client, ear: Ear) -> None:
    for title in ("personal", "company"):
        await member.post(DATA_STORAGE, FULL | {"title": title})

    async def versions() -> list[int]:
        heard = [e for e in ear.events if e.name == "model.data_storage.created"]
        mine = [e for e in heard if e.record["user"]["email"] == member.email]
        return [e.snapshot["data_storage"]["version"] for e in mine] if len(mine) == 2 else []

    assert await until(versions) == [1, 2]
