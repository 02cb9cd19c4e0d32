"""Administrators change state, second factor and role of users."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.contracts.administration import Administrator
from shared.contracts.services import ADMIN
from shared.errors import Invalid, Unavailable
from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.events import WRITTEN, Ear
from tests.support.internal import identity_of, superadmin_of, tables_of_identity
from tests.support.staff import promote
from tests.support.system import Installation
from tests.support.waiting import until

NOBODY = "ID0000000000"
UPDATES = [("PUT", "admin/users", 200), ("POST", "admin/users/update", 201)]
UPDATE_PATHS = [(method, path) for method, path, _ in UPDATES]

REFUSED_UPDATES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["admin.user.missing_uid", "admin.user.empty_uid", "admin.user.one_of_state_otp"]),
    ({"state": "banned"}, ["admin.user.missing_uid", "admin.user.empty_uid"]),
    ({"uid": "", "state": "banned"}, ["admin.user.empty_uid"]),
    ({"uid": "  ", "state": "banned"}, ["admin.user.empty_uid"]),
    ({"uid": "UID"}, ["admin.user.one_of_state_otp"]),
    ({"uid": "UID", "state": "banned", "otp": "false"}, ["admin.user.one_of_state_otp"]),
    ({"uid": "UID", "role": "admin"}, ["admin.user.one_of_state_otp"]),
    ({"uid": "UID", "state": ""}, ["admin.user.empty_state"]),
    ({"uid": "UID", "otp": ""}, ["admin.user.empty_otp"]),
    ({"uid": "UID", "otp": "abc"}, ["invalid"]),
    ({"uid": "UID", "state": "active"}, ["admin.user.state_no_change"]),
    ({"uid": "UID", "state": "whatever"}, ["state.inclusion"]),
    ({"uid": "UID", "state": "Banned"}, ["state.inclusion"]),
    ({"uid": "UID", "otp": "true"}, ["admin.user.enable_2fa"]),
    ({"uid": "UID", "otp": "1"}, ["admin.user.enable_2fa"]),
    ({"uid": "UID", "otp": "false"}, ["admin.user.otp_no_change"]),
    ({"uid": "UID", "otp": "0"}, ["admin.user.otp_no_change"]),
]

REFUSED_ROLES: list[tuple[dict[str, str], list[str]]] = [
    (
        {},
        [
            *("admin.user.missing_uid", "admin.user.empty_uid"),
            *("admin.user.missing_role", "admin.user.empty_role"),
        ],
    ),
    ({"role": "trader"}, ["admin.user.missing_uid", "admin.user.empty_uid"]),
    ({"uid": "", "role": "trader"}, ["admin.user.empty_uid"]),
    ({"uid": " ", "role": "trader"}, ["admin.user.empty_uid"]),
    ({"uid": "UID"}, ["admin.user.missing_role", "admin.user.empty_role"]),
    ({"uid": "UID", "role": ""}, ["admin.user.empty_role"]),
    ({"uid": "UID", "role": "  "}, ["admin.user.empty_role"]),
    ({"uid": "UID", "role": "member"}, ["admin.user.role_no_change"]),
    ({"uid": "UID", "role": "nobody"}, ["role.doesnt_exist"]),
    ({"uid": "UID", "role": "Trader"}, ["role.doesnt_exist"]),
]

BAD_BODIES: list[tuple[dict[str, Any], int, list[str]]] = [
    ({"json": ["uid"]}, 400, ["request.malformed"]),
    (
        {"form": b"uid,state", "headers": {"Content-Type": "text/csv"}},
        415,
        ["request.unsupported_media_type"],
    ),
    ({"json": {"uid": "a\u0000b", "state": "banned"}}, 400, ["request.malformed"]),
    ({"json": {"uid": {"a": 1}, "state": "banned"}}, 422, ["invalid"]),
    ({"json": {"uid": "a\u0007b", "state": "banned"}}, 422, ["invalid"]),
    ({"json": {"uid": "u" * 2000, "state": "banned"}}, 422, ["invalid"]),
    ({"json": {"uid": "u", "state": "s" * 2000}}, 422, ["invalid"]),
    ({"json": {"uid": "..", "state": "banned"}}, 404, ["admin.user.doesnt_exist"]),
    ({"json": {"uid": "a/b?c#d", "state": "banned"}}, 404, ["admin.user.doesnt_exist"]),
    ({"json": {"uid": "%' OR 1=1 --", "state": "banned"}}, 404, ["admin.user.doesnt_exist"]),
]


@pytest.fixture
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member with a session."""
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture
async def uid(member: Client) -> str:
    """The member's uid."""
    return str((await member.get("resource/users/me")).body["uid"])


@pytest.fixture
async def staff(system: Installation, admin: Client) -> AsyncIterator[Client]:
    """An administrator who is no superadmin."""
    async with Client(system) as made:
        await promote(admin, made, "admin")
        yield made


@pytest.fixture
async def superadmin_uid(admin: Client) -> str:
    return str((await admin.get("resource/users/me")).body["uid"])


@pytest.mark.parametrize(("method", "path"), UPDATE_PATHS)
@pytest.mark.parametrize(("form", "codes"), REFUSED_UPDATES)
async def test_refused_updates(
    admin: Client, uid: str, method: str, path: str, form: dict[str, Any], codes: list[str]
) -> None:
    form = {name: uid if value == "UID" else value for name, value in form.items()}
    answer = await admin.call(method, path, form)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(("form", "codes"), REFUSED_ROLES)
async def test_refused_roles(
    admin: Client, uid: str, form: dict[str, str], codes: list[str]
) -> None:
    form = {name: uid if value == "UID" else value for name, value in form.items()}
    answer = await admin.post("admin/users/role", form)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(("options", "status", "codes"), BAD_BODIES)
async def test_bad_bodies(
    admin: Client, options: dict[str, Any], status: int, codes: list[str]
) -> None:
    answer = await admin.call("PUT", "admin/users", **options)

    assert (answer.status, answer.errors) == (status, codes)


@pytest.mark.parametrize(("method", "path"), [*UPDATE_PATHS, ("POST", "admin/users/role")])
async def test_nobody_changes_who_is_not_there_himself_or_a_superadmin(
    admin: Client,
    staff: Client,
    superadmin_uid: str,
    system: Installation,
    method: str,
    path: str,
) -> None:
    wanted = {"role": "trader"} if path.endswith("role") else {"state": "banned"}

    unknown = await admin.call(method, path, {"uid": NOBODY, **wanted})
    assert (unknown.status, unknown.errors) == (404, ["admin.user.doesnt_exist"])
    own = await admin.call(method, path, {"uid": superadmin_uid, **wanted})
    assert (own.status, own.errors) == (422, ["admin.user.update_himself"])
    above = await staff.call(method, path, {"uid": superadmin_uid, **wanted})
    if path.endswith("role"):  # the default permissions do not let them change roles at all
        assert (above.status, above.errors) == (401, ["authz.invalid_permission"])
    else:
        assert (above.status, above.errors) == (422, ["admin.user.superadmin_change"])


async def test_only_a_superadmin_changes_or_makes_one_whatever_permissions_say(
    system: Installation, uid: str, superadmin_uid: str, staff: Client
) -> None:
    by = Administrator((await staff.get("resource/users/me")).body["uid"], "admin")
    async with identity_of(system, ADMIN) as identity:
        for target, role in ((superadmin_uid, "member"), (uid, "superadmin")):
            with pytest.raises(Invalid) as refused:
                await identity.change_role(by, target, role)
            assert refused.value.codes == ("admin.user.superadmin_change",)


@pytest.mark.parametrize(("method", "path", "status"), UPDATES)
async def test_a_ban_ends_everything_at_once(
    admin: Client,
    member: Client,
    uid: str,
    ear: Ear,
    method: str,
    path: str,
    status: int,
) -> None:
    answer = await admin.call(method, path, {"uid": uid, "state": "banned"})

    assert (answer.status, answer.body["uid"], answer.body["state"]) == (status, uid, "banned")
    assert list(answer.body) == [
        *("email", "uid", "role", "level", "otp", "state", "referral_uid", "data"),
    ]
    listed = await admin.get("admin/users", params={"uid": uid})
    assert [user["state"] for user in listed.body] == ["banned"]

    async def refused() -> bool:
        return bool((await member.get("resource/users/me")).status == 401)

    assert await until(refused)
    again = await member.log_in()
    assert (again.status, again.errors) == (401, ["identity.session.banned"])

    [told] = await ear.called(
        "model.user.updated", member.email, where=lambda e: e.record["state"] == "banned"
    )
    assert dict(told.changes) == {"state": "active"}
    assert await ear.called("system.session.revoked", member.email)

    back = await admin.call(method, path, {"uid": uid, "state": "active"})
    assert (back.status, back.body["state"]) == (status, "active")
    assert (await member.log_in()).status == 201


async def test_a_smuggled_role_changes_nothing(admin: Client, uid: str) -> None:
    answer = await admin.call(
        "PUT", "admin/users", {"uid": uid, "state": "locked", "role": "superadmin", "level": "3"}
    )

    assert answer.status == 200
    assert (answer.body["role"], answer.body["level"]) == ("member", 1)


async def test_the_second_factor_is_turned_off(
    admin: Client, member: Client, uid: str, ear: Ear
) -> None:
    await second_factor_of(member, uid)

    answer = await admin.call("PUT", "admin/users", None, json={"uid": uid, "otp": False})

    assert (answer.status, answer.body["otp"]) == (200, False)
    assert (await member.log_in()).status == 201
    again = await admin.post("admin/users/update", {"uid": uid, "otp": "false"})
    assert (again.status, again.errors) == (422, ["admin.user.otp_no_change"])

    async def unlabelled() -> bool:
        labels = (await member.get("resource/labels")).body
        return all(label["key"] != "otp" for label in labels)

    assert await until(unlabelled)


async def test_a_role_is_felt_at_the_gateway_and_shown_at_once(
    admin: Client, member: Client, uid: str, ear: Ear
) -> None:
    assert (await member.get("admin/levels")).status == 401

    answer = await admin.post("admin/users/role", {"uid": uid, "role": "technical"})
    assert (answer.status, answer.body["role"]) == (201, "technical")
    shown = await admin.get(f"admin/users/{uid}")
    assert (shown.status, shown.body["role"]) == (200, "technical")

    async def let_in() -> bool:
        return bool((await member.get("admin/levels")).status == 200)

    assert await until(let_in)
    [told] = await ear.called(
        "model.user.updated", member.email, where=lambda e: "role" in e.changes
    )
    assert (dict(told.changes), told.record["role"]) == ({"role": "member"}, "technical")

    assert (await admin.post("admin/users/role", {"uid": uid, "role": "member"})).status == 201

    async def kept_out() -> bool:
        return bool((await member.get("admin/levels")).status == 401)

    assert await until(kept_out)


async def test_two_administrators_change_one_user(
    admin: Client, member: Client, uid: str, staff: Client, ear: Ear
) -> None:
    answers = await asyncio.gather(
        *(
            who.post("admin/users/update", {"uid": uid, "state": "banned"})
            for who in (admin, staff)
        ),
        *(
            who.post("admin/users/update", {"uid": uid, "state": "banned"})
            for who in (admin, staff)
        ),
    )

    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
    for answer in answers:
        if answer.status == 422:
            assert answer.errors == ["admin.user.state_no_change"]
    await ear.called("system.session.revoked", member.email)
    bans = await ear.called(
        "model.user.updated", member.email, where=lambda e: e.record["state"] == "banned"
    )
    assert len(bans) == 1


async def test_a_role_change_races_a_ban(
    admin: Client, member: Client, uid: str, staff: Client
) -> None:
    role, ban = await asyncio.gather(
        admin.post("admin/users/role", {"uid": uid, "role": "trader"}),
        staff.post("admin/users/update", {"uid": uid, "state": "banned"}),
    )

    assert (role.status, ban.status) == (201, 201)
    shown = (await admin.get(f"admin/users/{uid}")).body
    assert (shown["role"], shown["state"]) == ("trader", "banned")
    assert (await member.log_in()).errors == ["identity.session.banned"]


async def test_of_two_who_take_each_others_power_one_comes_first(
    system: Installation, admin: Client
) -> None:
    async with Client(system) as one, Client(system) as other:
        uids = [await promote(admin, who, "superadmin") for who in (one, other)]
        async with identity_of(system, ADMIN) as identity:

            async def demote(by: str, whom: str) -> tuple[str, ...]:
                try:
                    await identity.change_role(Administrator(by, "superadmin"), whom, "member")
                except Invalid as refused:
                    return refused.codes
                return ()

            done = await asyncio.gather(demote(*uids), demote(*reversed(uids)))
    assert sorted(done) == [(), ("authz.invalid_permission",)]


async def test_who_was_banned_meanwhile_changes_nobody(
    system: Installation, admin: Client, staff: Client, uid: str
) -> None:
    staff_uid = str((await staff.get("resource/users/me")).body["uid"])
    assert (
        await admin.call("PUT", "admin/users", {"uid": staff_uid, "state": "locked"})
    ).status == 200
    async with identity_of(system, ADMIN) as identity:
        with pytest.raises(Invalid) as refused:
            await identity.change_state(Administrator(staff_uid, "admin"), uid, "banned")
    assert refused.value.codes == ("authz.invalid_permission",)


async def test_only_admin_svc_asks_for_changes(system: Installation, uid: str) -> None:
    by = await superadmin_of(system)
    async with identity_of(system) as identity:  # resource-svc's token
        for call in (
            identity.change_state(by, uid, "banned"),
            identity.change_role(by, uid, "admin"),
        ):
            with pytest.raises(Unavailable):
                await call


async def test_asked_again_the_owner_changes_nothing(system: Installation, uid: str) -> None:
    by = await superadmin_of(system)
    async with identity_of(system, ADMIN) as identity:
        first = await identity.change_role(by, uid, "trader")
        again = await identity.change_role(by, uid, "trader")
    assert first.after == again.before == again.after
    async with tables_of_identity(system) as tables:
        told = await tables.fetchval(
            f"SELECT count(*) FROM {WRITTEN} WHERE name = 'model.user.updated' AND changes ? 'role'"
            " AND record ->> 'uid' = $1",
            uid,
        )
    assert told == 1
