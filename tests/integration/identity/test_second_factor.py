"""The second factor: made, turned on, asked for and turned off."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from shared.clients.identity import IdentityClient
from shared.contracts.services import ADMIN, GATEWAY, MAILER, RESOURCE
from shared.crypto.key_ring import KeyRing
from shared.errors import Invalid, NotFound, SessionEnded, Unavailable
from shared.tokens.service import ServiceTokens
from tests.support.authenticator import Authenticator, early_in_a_step, second_factor_of
from tests.support.client import Client
from tests.support.events import listening
from tests.support.internal import AT_HOME, identity_of, superadmin_of, tables_of_identity
from tests.support.system import KEY, PASSWORD, Installation
from tests.support.waiting import HEARD_SECONDS, until


@pytest.fixture
async def identity(system: Installation) -> AsyncIterator[IdentityClient]:
    """The internal API as resource-svc calls it."""
    async with identity_of(system) as made:
        yield made


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's."""
    return str((await client.become_member()).body["uid"])


@pytest.fixture
async def sid(uid: str, identity: IdentityClient) -> str:
    """That of the session in which the member confirmed just now."""
    return str((await identity.sessions(uid))[0]["sid"])


def codes(refused: pytest.ExceptionInfo[Invalid]) -> tuple[str, ...]:
    return refused.value.codes


async def log_in(client: Client, code: object = None) -> tuple[int, list[str]]:
    """The status of a log-in, and its errors."""
    form = {"email": client.email, "password": PASSWORD}
    answer = await client.post(
        "identity/sessions", form if code is None else form | {"otp_code": code}
    )
    return answer.status, answer.body.get("errors", [])


async def test_a_secret_and_its_url(
    client: Client, uid: str, sid: str, identity: IdentityClient
) -> None:
    secret, url = await identity.create_second_factor(uid, sid, AT_HOME)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == f"/Barong:{client.email}"
    assert parse_qs(parts.query) == {
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "issuer": ["Barong"],
        "period": ["30"],
        "secret": [secret],
    }


async def test_the_secret_lies_sealed_for_its_own_user(
    uid: str, sid: str, identity: IdentityClient, system: Installation
) -> None:
    secret, _ = await identity.create_second_factor(uid, sid, AT_HOME)
    async with tables_of_identity(system) as tables:
        sealed = await tables.fetchval("SELECT secret FROM second_factors WHERE uid = $1", uid)
    assert secret.encode() not in sealed
    ring = KeyRing.parse(KEY)
    assert ring.decrypt(sealed, f"second_factors.secret:{uid}").decode() == secret


async def test_another_secret_replaces_one_that_was_never_enabled(
    uid: str, sid: str, identity: IdentityClient
) -> None:
    old, _ = await identity.create_second_factor(uid, sid, AT_HOME)
    new, _ = await identity.create_second_factor(uid, sid, AT_HOME)
    with pytest.raises(Invalid) as refused:
        await identity.enable_second_factor(uid, Authenticator(old).code(), sid, AT_HOME)
    assert codes(refused) == ("otp.invalid",)
    assert (await identity.enable_second_factor(uid, Authenticator(new).code(), sid, AT_HOME)).otp


async def test_enabling(uid: str, sid: str, identity: IdentityClient) -> None:
    with pytest.raises(Invalid) as refused:
        await identity.enable_second_factor(uid, "123456", sid, AT_HOME)
    assert codes(refused) == ("otp.invalid",)  # there is no secret yet
    authenticator = Authenticator((await identity.create_second_factor(uid, sid, AT_HOME))[0])
    for code in (authenticator.wrong_code(), "", "abc", "x" * 500):
        with pytest.raises(Invalid) as refused:
            await identity.enable_second_factor(uid, code, sid, AT_HOME)
        assert codes(refused) == ("otp.invalid",)
    before = await identity.user(uid)
    user = await identity.enable_second_factor(uid, authenticator.code(), sid, AT_HOME)
    assert (user.otp, user.version) == (True, before.version + 1)
    assert user == await identity.user(uid)
    with pytest.raises(Invalid) as refused:
        await identity.enable_second_factor(uid, authenticator.code(), sid, AT_HOME)
    assert codes(refused) == ("otp.already_enabled",)
    with pytest.raises(Invalid) as refused:
        await identity.create_second_factor(uid, sid, AT_HOME)
    assert codes(refused) == ("otp.already_enabled",)


async def test_verifying(client: Client, uid: str, identity: IdentityClient) -> None:
    with pytest.raises(Invalid) as refused:
        await identity.verify_code(uid, "123456", AT_HOME)
    assert codes(refused) == ("otp.not_enabled",)
    authenticator = await second_factor_of(client, uid)
    await early_in_a_step()
    code = authenticator.code()
    await identity.verify_code(uid, f" {code} ", AT_HOME)
    for used in (code, authenticator.code(-1)):
        with pytest.raises(Invalid) as refused:
            await identity.verify_code(uid, used, AT_HOME)
        assert codes(refused) == ("totp.error",)
    for wrong in (authenticator.code(-2), authenticator.code(2), authenticator.wrong_code(), " "):
        with pytest.raises(Invalid) as refused:
            await identity.verify_code(uid, wrong, AT_HOME)
        assert codes(refused) == ("otp.invalid",)
    await identity.verify_code(uid, authenticator.code(1), AT_HOME)


async def test_disabling(client: Client, uid: str, identity: IdentityClient) -> None:
    with pytest.raises(Invalid) as refused:
        await identity.disable_second_factor(uid, "123456", AT_HOME)
    assert codes(refused) == ("otp.not_enabled",)
    authenticator = await second_factor_of(client, uid)
    with pytest.raises(Invalid) as refused:
        await identity.disable_second_factor(uid, authenticator.wrong_code(), AT_HOME)
    assert codes(refused) == ("otp.invalid",)
    await early_in_a_step()
    await identity.verify_code(uid, authenticator.code(), AT_HOME)
    with pytest.raises(Invalid) as refused:
        await identity.disable_second_factor(uid, authenticator.code(), AT_HOME)
    assert codes(refused) == ("totp.error",)
    user = await identity.disable_second_factor(uid, authenticator.code(1), AT_HOME)
    assert not user.otp
    assert await log_in(client) == (201, [])
    # The secret is forgotten: the same authenticator enables nothing any more.
    with pytest.raises(Invalid) as refused:
        await identity.enable_second_factor(uid, authenticator.code(), None, AT_HOME)
    assert codes(refused) == ("otp.invalid",)


async def test_an_administrator_disables_without_a_code(
    client: Client, uid: str, system: Installation
) -> None:
    await second_factor_of(client, uid)
    superadmin = await superadmin_of(system)
    async with identity_of(system, ADMIN) as identity:
        changed = await identity.reset_second_factor(superadmin, uid)
        assert (changed.before.otp, changed.after.otp) == (True, False)
        again = await identity.reset_second_factor(superadmin, uid)
    assert again.before == again.after == changed.after
    assert await log_in(client) == (201, [])


@pytest.mark.parametrize("caller", [ADMIN, GATEWAY, MAILER])
async def test_only_resource_svc_handles_codes(uid: str, system: Installation, caller: str) -> None:
    async with identity_of(system, caller) as identity:
        for call in (
            identity.create_second_factor(uid, None, AT_HOME),
            identity.enable_second_factor(uid, "123456", None, AT_HOME),
            identity.verify_code(uid, "123456", AT_HOME),
            identity.disable_second_factor(uid, "123456", AT_HOME),
            identity.verify_password(uid, PASSWORD, AT_HOME),
            identity.change_password(uid, PASSWORD, "An0ther-night-train", None, AT_HOME),
        ):
            with pytest.raises(Unavailable):
                await call


async def test_only_admin_svc_disables_without_a_code(
    uid: str, identity: IdentityClient, system: Installation
) -> None:
    superadmin = await superadmin_of(system)
    with pytest.raises(Unavailable):
        await identity.reset_second_factor(superadmin, uid)


async def test_who_is_not_there_has_no_second_factor(identity: IdentityClient) -> None:
    for call in (
        identity.create_second_factor("ID0000000000", None, AT_HOME),
        identity.enable_second_factor("ID0000000000", "123456", None, AT_HOME),
        identity.disable_second_factor("ID0000000000", "123456", AT_HOME),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_code_is_accepted_once_however_many_try(
    client: Client, uid: str, system: Installation
) -> None:
    authenticator = await second_factor_of(client, uid)
    await early_in_a_step()
    url = f"{system.internal_url('identity')}/users/{uid}/otp/verify"
    token = ServiceTokens(RESOURCE, KeyRing.parse(KEY)).issue("identity-svc")
    code = {"code": authenticator.code(), "client": AT_HOME.to_internal()}

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:

        async def verify() -> tuple[int, str]:
            async with http.post(url, json=code) as response:
                return response.status, await response.text()

        answers = await asyncio.gather(*(verify() for _ in range(100)))
    assert sorted(answers) == [(204, ""), *[(422, '{"errors": ["totp.error"]}')] * 99]


async def test_a_code_opens_one_session_however_many_try(client: Client, uid: str) -> None:
    authenticator = await second_factor_of(client, uid)
    await early_in_a_step()
    code = authenticator.code()
    # Each hashes a password, and the code is good for half a minute.
    answers = await asyncio.gather(*(log_in(client, code) for _ in range(10)))
    assert sorted(answers) == [(201, []), *[(422, ["totp.error"])] * 9]


async def test_of_two_who_enable_at_once_one_does(
    uid: str, sid: str, identity: IdentityClient
) -> None:
    code = Authenticator((await identity.create_second_factor(uid, sid, AT_HOME))[0]).code()

    async def enable() -> str:
        try:
            await identity.enable_second_factor(uid, code, sid, AT_HOME)
        except Invalid as refusal:
            return refusal.codes[0]
        return "otp.enabled"

    answers = await asyncio.gather(*(enable() for _ in range(20)))
    assert sorted(answers) == [*["otp.already_enabled"] * 19, "otp.enabled"]


# What a log-in answers to whom the password is known; a number counts as text.
async def test_a_log_in_with_a_second_factor(client: Client, uid: str) -> None:
    authenticator = await second_factor_of(client, uid)
    await early_in_a_step()
    assert await log_in(client) == (401, ["identity.session.missing_otp"])
    for blank in ("", "   "):
        assert await log_in(client, blank) == (401, ["identity.session.missing_otp"])
    wrong = [authenticator.wrong_code(), "12345", "abcdef", "x" * 1000, authenticator.code(-2)]
    for code in wrong:
        assert await log_in(client, code) == (403, ["identity.session.invalid_otp"])
    used = authenticator.code()
    assert await log_in(client, used) == (201, [])
    assert await log_in(client, used) == (422, ["totp.error"])


async def test_a_number_is_taken_as_text(client: Client, uid: str, system: Installation) -> None:
    authenticator = await second_factor_of(client, uid)
    async with identity_of(system, ADMIN) as identity:
        while authenticator.code().startswith("0"):  # JSON has no number like it
            await identity.reset_second_factor(await superadmin_of(system), uid)
            authenticator = await second_factor_of(client, uid)
    form = {"email": client.email, "password": PASSWORD, "otp_code": int(authenticator.code())}
    answer = await client.call("POST", "identity/sessions", None, json=form)
    assert (answer.status, answer.body["otp"]) == (201, True)


@pytest.mark.parametrize("code", [["1"], {"a": 1}, True])
async def test_another_type_is_no_code(client: Client, code: object) -> None:
    form = {"email": "nobody@example.com", "password": PASSWORD, "otp_code": code}
    answer = await client.call("POST", "identity/sessions", None, json=form)
    assert (answer.status, answer.errors) == (422, ["invalid"])


async def test_the_code_is_asked_for_only_after_the_password(client: Client, uid: str) -> None:
    authenticator = await second_factor_of(client, uid)
    form = {"email": client.email, "password": "wrong", "otp_code": authenticator.code()}
    answer = await client.post("identity/sessions", form)
    assert (answer.status, answer.errors) == (401, ["identity.session.invalid_params"])
    assert await log_in(client, authenticator.code()) == (201, [])  # it was not used up


async def test_a_log_in_that_fails_elsewhere_uses_up_no_code(
    client: Client, uid: str, system: Installation
) -> None:
    authenticator = await second_factor_of(client, uid)
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET state = 'banned' WHERE uid = $1", uid)
        assert await log_in(client, authenticator.code()) == (401, ["identity.session.banned"])
        await tables.execute(
            "UPDATE users SET state = 'active', refusal = NULL WHERE uid = $1", uid
        )
    assert await log_in(client, authenticator.code()) == (201, [])


async def test_an_account_that_lost_its_secret_stays_shut(
    client: Client, uid: str, system: Installation
) -> None:
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET otp = true WHERE uid = $1", uid)
    assert await log_in(client, "123456") == (403, ["identity.session.invalid_otp"])
    async with identity_of(system, ADMIN) as identity:
        await identity.reset_second_factor(await superadmin_of(system), uid)
    assert await log_in(client) == (201, [])


async def test_enabling_ends_all_sessions_but_the_one_it_is_done_in(
    client: Client, uid: str, identity: IdentityClient, system: Installation
) -> None:
    mine = (await identity.sessions(uid))[0]["sid"]
    async with Client(system) as other:
        other.email = client.email
        bearer = (await other.log_in()).headers["Authorization"]
        assert (await other.get("resource/users/me")).status == 200
        authenticator = Authenticator((await identity.create_second_factor(uid, mine, AT_HOME))[0])
        await identity.enable_second_factor(uid, authenticator.code(), mine, AT_HOME)

        async def refused() -> bool:
            return (await other.get("resource/users/me")).status == 401

        assert await until(refused, HEARD_SECONDS)
        async with Client(system) as third:
            answer = await third.get("resource/users/me", headers={"Authorization": bearer})
            assert answer.status == 401
    assert (await client.get("resource/users/me")).status == 200
    assert [s["sid"] for s in await identity.sessions(uid)] == [mine]


async def test_disabling_keeps_sessions(client: Client, uid: str, identity: IdentityClient) -> None:
    authenticator = await second_factor_of(client, uid)
    await log_in(client, authenticator.code())
    await identity.disable_second_factor(uid, authenticator.code(1), AT_HOME)
    assert (await client.get("resource/users/me")).status == 200


async def test_the_events_of_the_second_factor(client: Client, system: Installation) -> None:
    async with listening(system) as ear:
        uid = str((await client.become_member()).body["uid"])
        await second_factor_of(client, uid)
        async with identity_of(system, ADMIN) as identity:
            await identity.reset_second_factor(await superadmin_of(system), uid)

        async def both() -> list[dict[str, object]]:
            changes = [
                dict(event.changes)
                for event in ear.events
                if event.name == "model.user.updated"
                and event.record["uid"] == uid
                and "otp" in event.changes
            ]
            return changes if len(changes) == 2 else []

        assert await until(both) == [{"otp": False}, {"otp": True}]
        updates = [
            e for e in ear.events if e.name == "model.user.updated" and e.record["uid"] == uid
        ]
        versions = [event.snapshot["version"] for event in updates]
        assert versions == sorted(set(versions))
        text = str([(event.record, event.changes, event.snapshot) for event in ear.events])
        assert "secret" not in text


async def test_a_sid_of_nobody_turns_nothing_on(
    uid: str, sid: str, identity: IdentityClient
) -> None:
    authenticator = Authenticator((await identity.create_second_factor(uid, sid, AT_HOME))[0])
    with pytest.raises(SessionEnded):
        await identity.enable_second_factor(uid, authenticator.code(), str(uuid.uuid4()), AT_HOME)
    assert not (await identity.user(uid)).otp
