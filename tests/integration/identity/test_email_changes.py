"""Changes of addresses: proven at the new one, taken back at the old one, made by staff."""

import secrets
from urllib.parse import quote

import pytest

from tests.integration.admin.test_audit import of_user
from tests.integration.identity.test_passkeys import add, options
from tests.integration.identity.test_passkeys import log_in as log_in_by_passkey
from tests.support.api_keys import an_owner
from tests.support.authenticator import Authenticator, forget_used_codes, second_factor_of
from tests.support.client import Answer, Client
from tests.support.ended_session import answer_of_an_ended_session
from tests.support.events import Ear
from tests.support.internal import tables_of_identity
from tests.support.passkeys import SoftAuthenticator
from tests.support.system import PASSWORD, SUPERADMIN, Installation
from tests.support.waiting import until

ASK, CHANGE = "resource/users/email", "identity/users/email/change"
CODES, ME = "resource/otp/recovery_codes", "resource/users/me"
REVERSE = "identity/users/email/reversal"
NEW_PASSWORD = "N3w-train-by-night"


@pytest.fixture
async def member(client: Client) -> Client:
    """A member who has just logged in."""
    await client.become_member()
    assert (await client.log_in()).status == 201
    return client


def new_address() -> str:
    return f"{secrets.token_hex(6)}@example.org"


async def mailed(system: Installation, email: str, but: str = "") -> str:
    """The token of the latest mail to this address, other than `but`."""
    file = system.mail / f"{quote(email, safe='@')}.token"

    async def arrived() -> str:
        token = file.read_text() if file.exists() else ""
        return token if token != but else ""

    return await until(arrived)


async def changed(client: Client, new: str) -> str:
    """Changes the address; the token that takes it back, which the old one gets."""
    old, before = client.email, await client.mailed_token()
    assert (await client.post(ASK, {"email": new})).status == 201
    token = await mailed(client.system, new)
    assert (await client.post(CHANGE, {"token": token})).status == 201
    client.email = new
    return await mailed(client.system, old, before)


async def uid_of(client: Client) -> str:
    return str((await client.get(ME)).body["uid"])


async def make_older(client: Client, table: str, column: str, uid: str) -> None:
    """What the user has in this table was made 80 hours ago."""
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            f"UPDATE {table} SET {column} = {column} - interval '80 hours' WHERE uid = $1", uid
        )


async def taken_back(owner: Client, old: str, token: str) -> None:
    """Takes the change back, and sets `NEW_PASSWORD` by the mail to the old address."""
    assert (await owner.post(REVERSE, {"token": token})).status == 201
    await owner.post("identity/users/password/generate_code", {"email": old})
    reset = await mailed(owner.system, old, token)
    form = {"reset_password_token": reset, "password": NEW_PASSWORD}
    form["confirm_password"] = NEW_PASSWORD
    assert (await owner.post("identity/users/password/confirm_code", form)).status == 201


def refused(answer: Answer, *codes: str) -> bool:
    return (answer.status, tuple(answer.errors)) == (422, codes)


async def test_an_address_is_changed(member: Client, ear: Ear, admin: Client) -> None:
    old, new = member.email, new_address()
    assert (await member.post(ASK, {"email": f" {new} "})).status == 201
    assert (await member.get("resource/users/me")).body["email"] == old  # nothing changed yet
    token = await mailed(member.system, new)
    assert (await member.post(CHANGE, {"token": token})).status == 201
    assert (await member.get("resource/users/me")).status == 401  # the very next call
    assert (await member.log_in(old)).errors == ["identity.session.invalid_params"]
    answer = await member.log_in(new)
    assert (answer.status, answer.body["email"], answer.body["level"]) == (201, new, 1)
    me = await member.get("resource/users/me")
    assert me.body["email"] == new
    [event] = await ear.called(
        "model.user.updated", new, where=lambda event: "email" in event.changes
    )
    assert (event.changes, event.record["email"]) == ({"email": old}, new)

    async def found() -> bool:
        for email, count in ((new, 1), (old, 0)):
            listed = await admin.get("admin/users", params={"email": email})
            if len(listed.body) != count:
                return False
        return True

    assert await until(found)
    assert refused(await member.post(CHANGE, {"token": token}), "identity.user.utilized_token")


async def test_who_takes_it_back_owns_the_account(member: Client) -> None:
    """Somebody with the password and a session changed the address."""
    old = member.email
    token = await changed(member, new_address())
    assert (await member.log_in()).status == 201  # the thief
    async with Client(member.system) as owner:
        await taken_back(owner, old, token)
        assert (await member.get(ME)).status == 401
        for email in (old, member.email):
            assert (await member.log_in(email)).errors == ["identity.session.invalid_params"]
        assert refused(await owner.post(REVERSE, {"token": token}), "identity.user.utilized_token")
        answer = await owner.log_in(old, NEW_PASSWORD)
        assert (answer.status, answer.body["email"]) == (201, old)


async def test_a_passkey_of_a_thief_ends_and_an_older_one_stays(member: Client, ear: Ear) -> None:
    old, uid = member.email, await uid_of(member)
    owners, thiefs = SoftAuthenticator(), SoftAuthenticator()
    assert (await add(member, owners, "Owner's")).status == 201
    await make_older(member, "passkeys", "created_at", uid)
    assert (await add(member, thiefs, "Thief's")).status == 201
    assert (await member.post(CODES)).status == 201
    token = await changed(member, new_address())
    assert (await log_in_by_passkey(member, thiefs)).status == 201

    async with Client(member.system) as owner:
        await taken_back(owner, old, token)
        assert (await member.get(ME)).status == 401
        gone = await log_in_by_passkey(member, thiefs)
        assert refused(gone, "passkey.unknown")
        assert (await log_in_by_passkey(owner, owners)).status == 201
        assert [each["name"] for each in (await owner.get("resource/passkeys")).body] == ["Owner's"]
        assert (await owner.get(CODES)).body["remaining"] == 0  # the thief knows them
    [event] = await ear.called("model.passkey.deleted", old)
    assert event.record["name"] == "Thief's"


async def test_a_second_factor_of_a_thief_ends(member: Client, ear: Ear, admin: Client) -> None:
    old, uid = member.email, await uid_of(member)
    made = await member.post("resource/otp/generate_qrcode")
    secret = made.body["data"]["url"].partition("secret=")[2].partition("&")[0]
    code = Authenticator(secret).code()
    assert (await member.post("resource/otp/enable", {"code": code})).status == 201
    assert (await member.post(CODES)).status == 201
    token = await changed(member, new_address())

    async with Client(member.system) as owner:
        await taken_back(owner, old, token)
        answer = await owner.log_in(old, NEW_PASSWORD)
        assert (answer.status, answer.body["otp"]) == (201, False)
        assert (await owner.get(CODES)).body["remaining"] == 0
        enabled = await owner.post("resource/otp/enable", {"code": Authenticator(secret).code()})
        assert refused(enabled, "resource.otp.invalid")  # the secret is deleted
    await ear.called(
        "model.user.updated",
        old,
        where=lambda event: event.changes.get("otp") is True and not event.record["otp"],
    )

    async def recorded() -> list[str]:
        found = (await admin.get("admin/activities", params={"uid": uid})).body
        done = [each["action"] for each in found if each["result"] == "succeed"]
        return done if "email change reversal" in done else []

    assert "disable 2FA" in await until(recorded)


async def test_the_second_factor_of_the_owner_stays(member: Client) -> None:
    """Whoever reads the mail of the old address is not let in by that alone."""
    old, uid = member.email, await uid_of(member)
    authenticator = await second_factor_of(member, uid)
    form = {"email": old, "password": PASSWORD, "otp_code": authenticator.code()}
    assert (await member.post("identity/sessions", form)).status == 201
    assert (await member.post(CODES)).status == 201
    await make_older(member, "second_factors", "enabled_at", uid)
    await make_older(member, "recovery_codes", "created_at", uid)
    token = await changed(member, new_address())

    async with Client(member.system) as reader:
        await taken_back(reader, old, token)
        answer = await reader.log_in(old, NEW_PASSWORD)
        assert answer.errors == ["identity.session.missing_otp"]
        await forget_used_codes(member, uid)
        form = {"email": old, "password": NEW_PASSWORD, "otp_code": authenticator.code()}
        assert (await reader.post("identity/sessions", form)).status == 201
        assert (await reader.get(CODES)).body["remaining"] == 10


async def test_a_secret_that_was_only_shown_ends(member: Client) -> None:
    """Otherwise the owner could turn on a second factor whose secret a thief has."""
    old = member.email
    made = await member.post("resource/otp/generate_qrcode")
    secret = made.body["data"]["url"].partition("secret=")[2].partition("&")[0]
    token = await changed(member, new_address())
    async with Client(member.system) as owner:
        await taken_back(owner, old, token)
        assert (await owner.log_in(old, NEW_PASSWORD)).status == 201
        enabled = await owner.post("resource/otp/enable", {"code": Authenticator(secret).code()})
    assert refused(enabled, "resource.otp.invalid")


async def test_no_passkey_is_added_in_a_session_that_has_ended(member: Client) -> None:
    """As when a change is taken back at that moment."""
    uid = await uid_of(member)
    credential = SoftAuthenticator().create(await options(member, "resource/passkeys"))
    call = member.post("resource/passkeys", json={"credential": credential})
    answer = await answer_of_an_ended_session(member, uid, call)
    assert (answer.status, answer.errors) == (401, ["authz.invalid_session"])
    async with tables_of_identity(member.system) as tables:
        assert await tables.fetch("SELECT FROM passkeys WHERE uid = $1", uid) == []


async def test_api_keys_end_when_it_is_taken_back(client: Client) -> None:
    owner = await an_owner(client)
    key = await owner.new_key()
    me = "/api/v2/barong/resource/users/me"
    token = await changed(client, new_address())
    async with Client(client.system) as program:
        assert (await program.get(me, headers=key.signed())).status == 200
        assert (await client.post(REVERSE, {"token": token})).status == 201
        refusal = await program.get(me, headers=key.signed())
    assert (refusal.status, refusal.errors) == (401, ["authz.apikey_not_active"])


async def test_a_thief_who_changes_it_twice_stops_nobody(member: Client) -> None:
    """Neither by a second change, nor by taking that one back."""
    old = member.email
    to_old = await changed(member, new_address())
    assert (await member.log_in()).status == 201
    to_second = await changed(member, new_address())
    assert (await member.post(REVERSE, {"token": to_second})).status == 201
    assert (await member.post(REVERSE, {"token": to_old})).status == 201
    async with tables_of_identity(member.system) as tables:
        found = await tables.fetch("SELECT uid FROM users WHERE email = $1", old)
        reserved = await tables.fetch("SELECT FROM former_emails WHERE uid = $1", found[0]["uid"])
    assert (len(found), reserved) == (1, [])


async def test_nobody_else_gets_the_old_address_meanwhile(member: Client) -> None:
    old = member.email
    token = await changed(member, new_address())
    async with Client(member.system) as other:
        assert refused(await other.sign_up(email=old.upper()), "email.taken")
        await other.become_member()
        assert refused(await other.post(ASK, {"email": old}), "email.taken")
        async with tables_of_identity(member.system) as tables:
            await tables.execute("UPDATE former_emails SET expires_at = now() - interval '1 s'")
        await other.sign_up(email=old)  # 72 hours later
    assert refused(await member.post(REVERSE, {"token": token}), "email.taken")


async def test_an_address_that_was_taken_meanwhile(member: Client) -> None:
    new = new_address()
    assert (await member.post(ASK, {"email": new})).status == 201
    token = await mailed(member.system, new)
    async with Client(member.system) as other:
        assert (await other.sign_up(email=new)).status == 201
    assert refused(await member.post(CHANGE, {"token": token}), "email.taken")
    assert (await member.get("resource/users/me")).body["email"] == member.email


async def test_only_the_last_new_address_counts(member: Client) -> None:
    first, second = new_address(), new_address()
    assert (await member.post(ASK, {"email": first})).status == 201
    token = await mailed(member.system, first)
    assert (await member.post(ASK, {"email": second})).status == 201
    assert refused(await member.post(CHANGE, {"token": token}), "identity.user.utilized_token")


async def test_what_is_refused(member: Client, system: Installation) -> None:
    for email, code in (
        *((bad, "email.invalid") for bad in ("", "x", "x@y", "a b@example.org", "x" * 300)),
        (member.email.upper(), "email.no_change"),
        (SUPERADMIN, "email.taken"),
    ):
        assert refused(await member.post(ASK, {"email": email}), code), email
    for path in (CHANGE, REVERSE):
        for token, status in (("", 400), ("x", 422), ("a.b.c", 422)):
            assert (await member.post(path, {"token": token})).status == status
        confirmation = await member.mailed_token()  # for another purpose
        answer = await member.post(path, {"token": confirmation})
        assert refused(answer, "jwt.decode_and_verify.confirmation")
    async with Client(system) as pending:
        await pending.sign_up()
        answer = await pending.post(ASK, {"email": new_address()})
        assert refused(answer, "email.not_confirmed")
    async with tables_of_identity(system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '601 seconds' FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            member.email,
        )
    old = await member.post(ASK, {"email": new_address()})
    assert (old.status, old.errors) == (401, ["authz.insufficient_user_authentication"])


async def test_an_administrator_changes_an_address(
    member: Client, admin: Client, system: Installation
) -> None:
    uid, old = (await member.get("resource/users/me")).body["uid"], member.email
    before, new = await member.mailed_token(), new_address()
    form = {"uid": uid, "email": new}
    answer = await admin.call("PUT", "admin/users/email", form)
    assert (answer.status, answer.body["email"]) == (200, new)
    assert (await admin.get("admin/users", params={"email": new})).body[0]["uid"] == uid
    assert (await member.get("resource/users/me")).status == 401
    assert (await member.log_in(new, PASSWORD)).status == 201
    for email, code in (
        (new, "admin.user.email_no_change"),
        (SUPERADMIN, "email.taken"),
        ("x", "email.invalid"),
        ("", "admin.user.empty_email"),
    ):
        assert refused(await admin.call("PUT", "admin/users/email", {**form, "email": email}), code)
    intent, outcome, *_, last = [e for e in await of_user(system, uid) if e[1] == "user.email"]
    assert intent == ("intent", "user.email", None, {"wanted": {"email": new}})
    after = {"before": {"email": old}, "after": {"email": new}}
    assert outcome == ("outcome", "user.email", "done", after)
    assert last == ("outcome", "user.email", "refused", {"codes": ["email.invalid"]})
    nobody = {**form, "uid": "ID0000000000"}
    assert (await admin.call("PUT", "admin/users/email", nobody)).status == 404
    token = await mailed(member.system, old, before)
    assert (await member.post(REVERSE, {"token": token})).status == 201

    async def told() -> bool:
        return bool((await admin.get(f"admin/users/{uid}")).body["email"] == old)

    assert await until(told)
