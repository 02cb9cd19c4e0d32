"""/resource/users/password, through the gateway."""

import asyncio
from typing import Any

import pytest

from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

PATH, ME = "resource/users/password", "resource/users/me"
NEW = "Kd8-vFq2!mZx04pL"
NAMES = ("old_password", "new_password", "confirm_password")


def codes_of(name: str, *reasons: str) -> list[str]:
    return [f"resource.user.{reason}_{name}" for reason in reasons]


def form_of(old: str = PASSWORD, new: str = NEW, confirm: str | None = None) -> dict[str, Any]:
    return dict(zip(NAMES, (old, new, new if confirm is None else confirm), strict=True))


async def change(client: Client, form: dict[str, Any]) -> Answer:
    return await client.call("PUT", PATH, json=form)


REFUSED: list[tuple[dict[str, Any], int, list[str]]] = [
    ({}, 400, [code for name in NAMES for code in codes_of(name, "missing", "empty")]),
    *(
        ({k: v for k, v in form_of().items() if k != name}, 400, codes_of(name, "missing", "empty"))
        for name in NAMES
    ),
    *(
        (form_of() | {name: blank}, 400, codes_of(name, "empty"))
        for name in NAMES
        for blank in ("", "   ")
    ),
    (form_of(confirm=NEW + "x"), 422, ["resource.password.doesnt_match"]),
    (form_of(old="wrong", confirm=NEW + "x"), 422, ["resource.password.doesnt_match"]),
    (form_of(old="wrong"), 400, ["resource.password.prev_pass_not_correct"]),
    (form_of("wrong", "wrong"), 400, ["resource.password.prev_pass_not_correct"]),
    (form_of(new=PASSWORD), 400, ["resource.password.no_change_provided"]),
    (form_of(new="Qwerty123"), 422, ["password.weak"]),
    (form_of(new="alllowercase1"), 422, ["password.requirements"]),
    (form_of(new="aB3" * 27), 422, ["password.too_long", "password.requirements"]),
    (form_of(new="aB3" * 500), 422, ["invalid", "invalid"]),
    (form_of() | {"old_password": ["x"]}, 422, ["invalid"]),
    (form_of() | {"old_password": "a\x1bb"}, 422, ["invalid"]),
]


@pytest.mark.parametrize(("form", "status", "codes"), REFUSED)
async def test_what_changes_no_password(
    shared_member: Client, form: dict[str, Any], status: int, codes: list[str]
) -> None:
    answer = await change(shared_member, form)
    assert (answer.status, answer.errors) == (status, codes)


async def test_all_other_sessions_end(member: Client, system: Installation, ear: Ear) -> None:
    async with Client(system) as other:
        bearer = (await other.log_in(member.email)).headers["Authorization"]
        assert (await other.get(ME)).status == 200

        changed = await change(member, form_of())
        assert (changed.status, changed.body["email"]) == (201, member.email)
        assert changed.body == (await member.get(ME)).body

        async def refused() -> bool:
            headers = {"Authorization": bearer}
            by_cookie = await other.get(ME)
            async with Client(system) as program:
                by_bearer = await program.get(ME, headers=headers)
            return by_cookie.status == by_bearer.status == 401

        assert await until(refused)
    assert (await member.get(ME)).status == 200
    async with Client(system) as other:
        assert (await other.log_in(member.email)).status == 401
        assert (await other.log_in(member.email, NEW)).status == 201

    async def heard() -> list[str]:
        mine = [e for e in ear.events if member.email in str(e.record)]
        names = [e.name for e in mine if e.id in ear.legacy]
        return names if "system.user.password.change" in names else []

    assert "model.user.updated" in await until(heard)
    assert not any(secret in str(ear.events) for secret in (PASSWORD, NEW))


async def test_of_many_changes_at_once_one_wins(member: Client) -> None:
    # Few: each hashes passwords, and internal calls are over after five seconds.
    wanted = [f"Kd8-vFq2!mZx04pL-{n}" for n in range(4)]
    answers = await asyncio.gather(*(change(member, form_of(new=new)) for new in wanted))
    assert sorted(answer.status for answer in answers) == [201] + [400] * 3
    winner = next(new for new, answer in zip(wanted, answers, strict=True) if answer.status == 201)
    assert (await member.log_in(password=winner)).status == 201
