"""What an administrator forbids stays forbidden, and who may forbid it to whom."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from shared.contracts.administration import Administrator
from shared.contracts.services import ADMIN, GATEWAY
from shared.errors import Invalid, UserNotActive
from tests.integration.resource.test_documents import FULL, PNG
from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.internal import (
    AT_HOME,
    identity_of,
    resource_of,
    superadmin_of,
    tables_of_identity,
    tables_of_resource,
)
from tests.support.staff import promote
from tests.support.system import PASSWORD, Installation, started
from tests.support.waiting import until

REFUSED = "authz.user_not_active"
BOUNDARY = "a-form"


@pytest.fixture
async def member(client: Client) -> Client:
    """A member with a session."""
    assert (await client.become_member()).status == 201
    return client


@pytest.fixture
async def uid(member: Client) -> str:
    return str((await member.get("resource/users/me")).body["uid"])


@pytest.fixture
async def staff(system: Installation, admin: Client) -> AsyncIterator[Client]:
    """An administrator who is no superadmin."""
    async with Client(system) as made:
        await promote(admin, made, "admin")
        yield made


async def set_state(admin: Client, uid: str, state: str) -> str:
    answer = await admin.call("PUT", "admin/users", {"uid": uid, "state": state})
    assert answer.status == 200, answer.body
    return str(answer.body["state"])


async def settled(system: Installation, uid: str) -> str:
    """The state of a user, once identity-svc has heard of all labels that there are."""
    async with tables_of_identity(system) as identity, tables_of_resource(system) as resource:

        async def heard() -> bool:
            told = await resource.fetchval("SELECT version FROM label_sets WHERE uid = $1", uid)
            applied = await identity.fetchval(
                "SELECT labels_version FROM users WHERE uid = $1", uid
            )
            return bool(told == applied)

        await until(heard)
        return str(await identity.fetchval("SELECT state FROM users WHERE uid = $1", uid))


def _multipart(fields: Mapping[str, str], name: str, content: bytes) -> bytes:
    """A form with a file, as RFC 7578 has it, which can be cut in two."""
    said = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    said.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="upload[]"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return "".join(said).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("state", ["locked", "banned", "deleted"])
async def test_no_label_lifts_what_an_administrator_forbids(
    admin: Client, system: Installation, uid: str, state: str
) -> None:
    assert await set_state(admin, uid, state) == state

    label = {"uid": uid, "scope": "private", "key": "document", "value": "verified"}
    answer = await admin.post("admin/users/labels", label)
    assert answer.body["user"]["state"] == state
    removed = await admin.call("DELETE", "admin/users/labels", {**label, "key": "email"})
    assert removed.status == 204
    assert await settled(system, uid) == state

    assert await set_state(admin, uid, "active") == "active"
    again = await admin.post("admin/users/labels", {**label, "key": "email"})
    assert again.body["user"]["state"] == "active"


async def test_of_a_refusal_and_a_label_the_stricter_counts(
    admin: Client, system: Installation, uid: str
) -> None:
    label = {"uid": uid, "scope": "private", "key": "ban", "value": "fraud"}
    assert await set_state(admin, uid, "locked") == "locked"
    added = await admin.post("admin/users/labels", label)
    assert added.body["user"]["state"] == "banned"
    # The label bans more strictly: the refusal is noted, and nothing is seen of it yet.
    assert await set_state(admin, uid, "deleted") == "deleted"
    assert await set_state(admin, uid, "locked") == "banned"
    again = await admin.call("PUT", "admin/users", {"uid": uid, "state": "locked"})
    assert (again.status, again.errors) == (422, ["admin.user.state_no_change"])

    await admin.call("DELETE", "admin/users/labels", label)
    assert await settled(system, uid) == "locked"


async def test_a_ban_of_an_earlier_release_holds_as_well(
    admin: Client, system: Installation, uid: str
) -> None:
    async with tables_of_identity(system) as tables:  # as that release wrote it
        await tables.execute(
            "UPDATE users SET state = 'banned', version = version + 1 WHERE uid = $1", uid
        )
    label = {"uid": uid, "scope": "private", "key": "document", "value": "verified"}
    assert (await admin.post("admin/users/labels", label)).body["user"]["state"] == "banned"

    async with tables_of_identity(system) as tables:  # and what it makes of labels lifts nothing
        await tables.execute("UPDATE users SET state = 'active', level = 1 WHERE uid = $1", uid)
        assert await tables.fetchval("SELECT state FROM users WHERE uid = $1", uid) == "banned"


async def test_neither_the_second_factor_nor_a_verdict_lifts_a_ban(
    admin: Client, member: Client, system: Installation, uid: str
) -> None:
    await second_factor_of(member, uid)
    assert (await member.post("resource/profiles", {"first_name": "Ann"})).status in (201, 401)
    await set_state(admin, uid, "banned")

    assert (await admin.call("PUT", "admin/users", None, json={"uid": uid, "otp": False})).status
    await admin.call("PUT", "admin/profiles", {"uid": uid, "state": "rejected"})
    assert await settled(system, uid) == "banned"


async def test_an_upload_that_ends_after_the_ban_is_refused(
    admin: Client, member: Client, system: Installation, uid: str
) -> None:
    banned, under_way = asyncio.Event(), asyncio.Event()
    body = _multipart(FULL, "a.png", PNG)

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:-100]
        under_way.set()
        await banned.wait()
        yield body[-100:]

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    upload = asyncio.create_task(
        member.call("POST", "resource/documents", slowly(), headers=headers)  # type: ignore[arg-type]
    )
    await under_way.wait()
    await set_state(admin, uid, "banned")
    banned.set()
    answer = await upload

    assert (answer.status, answer.errors) == (401, [REFUSED])
    async with tables_of_resource(system) as tables:
        assert await tables.fetchval("SELECT count(*) FROM documents WHERE uid = $1", uid) == 0
    assert await settled(system, uid) == "banned"


async def test_writes_that_race_a_ban_never_lift_it(admin: Client, system: Installation) -> None:
    async def lost(number: int) -> bool:
        async with Client(system) as racer:
            uid = str((await racer.become_member()).body["uid"])
            written = racer.post("resource/data_storage", {"title": "company", "data": "[]"})
            answer, _ = await asyncio.gather(written, set_state(admin, uid, "banned"))
            assert answer.status in (201, 401)
            return await settled(system, uid) != "banned"

    assert not any([await lost(number) for number in range(6)])


async def test_identity_refuses_the_writes_of_who_may_not_act(
    admin: Client, member: Client, system: Installation, uid: str
) -> None:
    await set_state(admin, uid, "banned")
    async with identity_of(system) as identity:
        for call in (
            identity.change_password(uid, PASSWORD, PASSWORD[::-1], None, AT_HOME),
            identity.create_second_factor(uid, None, AT_HOME),
            identity.enable_second_factor(uid, "000000", None, AT_HOME),
            identity.verify_code(uid, "000000", AT_HOME),
            identity.disable_second_factor(uid, "000000", AT_HOME),
            identity.change_data(uid, "{}"),
        ):
            with pytest.raises(UserNotActive):
                await call


async def test_a_token_that_has_outlived_the_ban_writes_nothing(
    admin: Client, member: Client, system: Installation, uid: str
) -> None:
    """Upstreams' tokens live for a minute: resource-svc looks at the user, not at the token."""
    async with identity_of(system, GATEWAY) as identity:
        token = (await identity.user_token(uid)).token
    await set_state(admin, uid, "banned")
    direct = f"{system.public_url('resource')}/api/v2/resource"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for method, path, form in (
            ("POST", "labels", {"key": "fresh", "value": "made"}),
            ("POST", "profiles", {"first_name": "Ann"}),
            ("POST", "phones", {"phone_number": "+4915112345678"}),
            ("POST", "data_storage", {"title": "company", "data": "[]"}),
            ("DELETE", "users/me", {"password": PASSWORD}),
        ):
            async with http.request(method, f"{direct}/{path}", data=form) as answer:
                body = await answer.json()
                assert (path, answer.status, body) == (path, 401, {"errors": [REFUSED]})


# Ranks


@pytest.mark.parametrize(
    ("author", "subject", "codes"),
    [
        ("admin", "admin", ("admin.user.higher_role",)),
        ("accountant", "admin", ("admin.user.higher_role",)),
        ("compliance", "accountant", ("admin.user.higher_role",)),
        ("accountant", "superadmin", ("admin.user.superadmin_change",)),
        ("admin", "accountant", ()),
        ("compliance", "trader", ()),
        ("trader", "member", ("admin.user.higher_role",)),
        ("superadmin", "superadmin", ()),
    ],
)
async def test_nobody_changes_who_ranks_as_high(
    admin: Client, system: Installation, author: str, subject: str, codes: tuple[str, ...]
) -> None:
    async with Client(system) as one, Client(system) as other:
        by = Administrator(await promote(admin, one, author), author)
        target = (
            await promote(admin, other, subject)
            if subject != "member"
            else str((await other.become_member()).body["uid"])
        )
    async with identity_of(system, ADMIN) as identity, resource_of(system) as resource:
        for call in (
            identity.change_state(by, target, "locked"),
            identity.reset_second_factor(by, target),
            resource.add_label(by, target, "public", "colour", "green", None),
        ):
            told: tuple[str, ...] = ()
            try:
                await call
            except Invalid as refused:
                told = refused.codes
            assert told == codes
        if author == "admin":
            with pytest.raises(Invalid) as refused_role:
                await identity.change_role(by, (await _a_member(system)), "admin")
            assert refused_role.value.codes == ("admin.user.higher_role",)


async def _a_member(system: Installation) -> str:
    async with Client(system) as made:
        return str((await made.become_member()).body["uid"])


async def test_every_admin_write_follows_the_one_rule(
    admin: Client, staff: Client, system: Installation
) -> None:
    async with Client(system) as other:
        target = await promote(admin, other, "admin")
    label = {"uid": target, "scope": "private", "key": "ban", "value": "fraud"}
    for method, path, form in (
        ("PUT", "admin/users", {"uid": target, "state": "banned"}),
        ("POST", "admin/users/update", {"uid": target, "otp": "false"}),
        ("POST", "admin/users/labels", label),
        ("PUT", "admin/users/labels", label),
        ("POST", "admin/users/labels/update", label),
        ("DELETE", "admin/users/labels", label),
        ("PUT", "admin/profiles", {"uid": target, "state": "verified"}),
        ("DELETE", "admin/users/data_storage", {"uid": target, "title": "company"}),
    ):
        answer = await staff.call(method, path, form)
        assert (path, answer.status, answer.errors) == (path, 422, ["admin.user.higher_role"])


# The last superadmin


async def test_the_last_superadmin_stays(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as root:
        await root.log_in_as_superadmin()
        by = await superadmin_of(system)

        gone = await root.call("DELETE", "resource/users/me", {"password": PASSWORD})
        assert (gone.status, gone.errors) == (422, ["resource.user.last_superadmin"])
        assert (await root.get("resource/users/me")).status == 200

        async with Client(system) as other:
            uid = await promote(root, other, "superadmin")
            async with identity_of(system, ADMIN) as identity:
                # Each takes the other's power away, in every way there is, at the same time.
                done = await asyncio.gather(
                    identity.change_role(by, uid, "member"),
                    identity.change_state(Administrator(uid, "superadmin"), by.uid, "banned"),
                    return_exceptions=True,
                )
            assert sum(isinstance(each, Invalid) for each in done) == 1
        assert await _superadmins(system) == 1


async def test_of_superadmins_who_leave_at_once_one_stays(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as root, Client(system) as other:
        await root.log_in_as_superadmin()
        await promote(root, other, "superadmin")
        answers = await asyncio.gather(
            *(
                who.call("DELETE", "resource/users/me", {"password": PASSWORD})
                for who in (root, other)
            )
        )
        assert sorted(answer.status for answer in answers) == [204, 422]
        assert await _superadmins(system) == 1
        [stays] = [
            who for who, answer in zip((root, other), answers, strict=True) if answer.status == 422
        ]
        me = await stays.get("resource/users/me")
        assert (me.status, me.body["state"]) == (200, "active")
        assert all(label["key"] != "delete" for label in me.body["labels"])


async def _superadmins(system: Installation) -> int:
    async with tables_of_identity(system) as tables:
        return int(
            await tables.fetchval(
                "SELECT count(*) FROM users WHERE role = 'superadmin' AND state = 'active'"
            )
        )
