"""Whoever proves an address owns its account: nothing that others made of it goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.errors import SessionEnded
from tests.integration.identity.test_password_resets import NEW, reset_token
from tests.integration.identity.test_password_resets import confirm as reset
from tests.support.api_keys import Key, Owner
from tests.support.authenticator import Authenticator
from tests.support.client import Answer, Client
from tests.support.events import WRITTEN
from tests.support.internal import AT_HOME, identity_of, tables_of_identity, tables_of_resource
from tests.support.own_service import client_of
from tests.support.system import PASSWORD, Installation, started
from tests.support.waiting import until

ME = "resource/users/me"


async def prepared(attacker: Client) -> tuple[Owner, Key]:
    """Signs up with an address, turns a second factor on and makes an API key."""
    signed_up = await attacker.sign_up()
    await attacker.mailed_token()
    uid = signed_up.body["uid"]
    made = await attacker.post("resource/otp/generate_qrcode")
    secret = made.body["data"]["url"].partition("secret=")[2].partition("&")[0]
    owner = Owner(attacker, uid, Authenticator(secret))
    enabled = await attacker.post("resource/otp/enable", {"code": owner.authenticator.code()})
    assert (enabled.status, enabled.body["state"]) == (201, "pending")
    key = await owner.new_key()
    assert (await works(attacker.system, key)).status == 200
    return owner, key


async def works(system: Installation, key: Key) -> Answer:
    async with Client(system) as program:
        return await program.get(ME, headers=key.signed())


def ended(*asks: Callable[[], Awaitable[Answer]]) -> Callable[[], Awaitable[bool]]:
    async def all_refused() -> bool:
        return [(await ask()).status for ask in asks] == [401] * len(asks)

    return all_refused


async def test_confirming_ends_what_somebody_else_made(system: Installation) -> None:
    async with Client(system) as attacker, Client(system) as victim:
        _, key = await prepared(attacker)
        victim.email = attacker.email

        answer = await victim.confirm()

        # There was a second factor: a mailbox alone opens no session.
        assert (answer.status, answer.body["state"], answer.body["otp"]) == (201, "active", False)
        assert "csrf_token" not in answer.body
        assert victim.cookie == ""
        assert "Authorization" not in answer.headers
        await until(ended(lambda: attacker.get(ME), lambda: works(system, key)))
        assert (await victim.log_in()).status == 201
        keys = await victim.get("resource/api_keys")
        assert [each["state"] for each in keys.body] in ([], ["inactive"])


async def test_a_reset_of_a_pending_account_ends_it_too(system: Installation) -> None:
    async with Client(system) as attacker, Client(system) as victim:
        _, key = await prepared(attacker)
        victim.email = attacker.email

        assert (await reset(victim, await reset_token(victim))).status == 201

        await until(ended(lambda: attacker.get(ME), lambda: works(system, key)))
        logged_in = await victim.log_in(password=NEW)
        assert (logged_in.status, logged_in.body["otp"]) == (201, False)


async def test_what_was_made_in_the_session_that_confirms_stays(system: Installation) -> None:
    async with Client(system) as member, Client(system) as other:
        owner, key = await prepared(member)
        other.email = member.email
        form = {**await owner.form(), "email": member.email, "password": PASSWORD}
        form["otp_code"] = form.pop("totp_code")
        assert (await other.post("identity/sessions", form)).status == 201
        cookie = member.cookie

        answer = await member.confirm()

        assert (answer.status, answer.body["state"], answer.body["otp"]) == (201, "active", True)
        assert "csrf_token" not in answer.body
        assert member.cookie == cookie
        await until(ended(lambda: other.get(ME)))
        assert (await member.get(ME)).status == 200
        assert (await works(system, key)).status == 200
        missing = await other.log_in()
        assert (missing.status, missing.errors) == (401, ["identity.session.missing_otp"])


async def test_confirming_in_the_session_of_the_sign_up_leaves_it(system: Installation) -> None:
    async with Client(system) as member, Client(system) as other:
        signed_up = await member.sign_up()
        bearer = {"Authorization": signed_up.headers["Authorization"]}
        other.email = member.email
        await other.log_in()

        answer = await member.confirm()

        assert (answer.status, bool(answer.body["csrf_token"])) == (201, True)
        await until(ended(lambda: other.get(ME)))
        async with Client(system) as program:
            assert (await program.get(ME, headers=bearer)).status == 200


async def test_a_reset_of_an_active_account_ends_its_api_keys(system: Installation) -> None:
    async with Client(system) as member, Client(system) as mailbox:
        _, key = await prepared(member)
        await member.confirm()
        assert (await works(system, key)).status == 200
        mailbox.email = member.email

        assert (await reset(mailbox, await reset_token(mailbox))).status == 201

        async with tables_of_resource(system) as tables:  # done when it was answered
            assert (
                await tables.fetchval("SELECT state FROM api_keys WHERE kid = $1", key.kid)
                == "inactive"
            )
        await until(ended(lambda: works(system, key)))
        missing = await mailbox.log_in(password=NEW)
        assert missing.errors == ["identity.session.missing_otp"]


async def test_keys_end_by_the_event_where_resource_svc_was_away(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    async with started(system, "identity", "admin", "mailer"), Client(system) as member:
        async with started(system, "resource", "gateway"):
            _, key = await prepared(member)
            await member.confirm()
            token = await reset_token(member)
        async with started(system, "gateway"):
            assert (await reset(member, token)).status == 201
        async with started(system, "resource", "gateway"):
            await until(ended(lambda: works(system, key)))


async def test_a_code_that_was_accepted_before_all_keys_ended_makes_none(
    system: Installation,
) -> None:
    async with Client(system) as member:
        owner, _ = await prepared(member)
        async with tables_of_resource(system) as tables:
            transaction = tables.transaction()
            await transaction.start()  # between the code and the key all keys end
            await tables.execute(
                "UPDATE users SET api_keys_ended_at = clock_timestamp() + interval '5 seconds'"
                " WHERE uid = $1",
                owner.uid,
            )
            form = await owner.form(algorithm="HS256")
            creating = asyncio.create_task(member.post("resource/api_keys", form))
            async with tables_of_resource(system) as watcher:

                async def waits() -> bool:
                    return bool(
                        await watcher.fetchval(
                            "SELECT count(*) FROM pg_stat_activity"
                            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
                        )
                    )

                await until(waits)
            await transaction.commit()
        answer = await creating
    assert (answer.status, answer.errors) == (422, ["resource.api_key.invalid_totp"])


async def test_no_second_factor_is_turned_on_in_a_session_that_has_ended(
    client: Client, system: Installation
) -> None:
    uid = (await client.sign_up()).body["uid"]
    async with tables_of_identity(system) as tables, identity_of(system) as identity:
        sid = await tables.fetchval("SELECT sid FROM sessions WHERE uid = $1", uid)
        secret, _ = await identity.create_second_factor(uid, str(sid), AT_HOME)
        await tables.execute("DELETE FROM sessions WHERE uid = $1", uid)
        code = Authenticator(secret).code()
        with pytest.raises(SessionEnded):
            await identity.enable_second_factor(uid, code, str(sid), AT_HOME)


# How many mails one address gets


@pytest.mark.parametrize(
    ("path", "event", "first"),
    [
        ("identity/users/email/generate_code", "system.user.email.confirmation.token", 1),
        ("identity/users/password/generate_code", "system.user.password.reset.token", 0),
    ],
)
async def test_one_address_gets_one_mail_a_minute_and_five_an_hour(
    system: Installation, path: str, event: str, first: int
) -> None:
    async with client_of(system, "identity", BARONG_THROTTLING="true") as client:
        await client.sign_up()

        async def mails() -> int:
            async with tables_of_identity(system) as tables:
                return int(
                    await tables.fetchval(
                        f"SELECT count(*) FROM {WRITTEN}"
                        " WHERE name = $1 AND record -> 'user' ->> 'email' = $2",
                        event,
                        client.email,
                    )
                )

        async def ask(number: int) -> None:
            headers = {"X-Forwarded-For": f"2001:db8:{number:x}::1"}  # everybody, from everywhere
            answer = await client.post(path, {"email": client.email}, headers=headers)
            assert (answer.status, answer.body) == (201, "")

        for minute in range(7):
            await asyncio.gather(*(ask(100 * minute + number) for number in range(4)))
            # The sign-up's own mail counts as well.
            assert await mails() == min(5, max(minute + 1, first))
            async with tables_of_identity(system) as tables:
                await tables.execute("UPDATE mails_sent SET sent_at = sent_at - interval '61 s'")
        async with tables_of_identity(system) as tables:
            await tables.execute("UPDATE mails_sent SET sent_at = sent_at - interval '1 hour'")
        await ask(999)
        assert await mails() == 6
