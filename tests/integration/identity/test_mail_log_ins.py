"""A log-in by a mailed link or code: once, in the browser that asked, with the second factor."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from shared.contracts.labels import PrivateLabels
from tests.support.authenticator import forget_used_codes, second_factor_of
from tests.support.client import USER_AGENT, Answer, Client
from tests.support.even_times import ALIKE, slowest_to_fastest
from tests.support.events import Ear
from tests.support.internal import AT_HOME, identity_of, tables_of_identity
from tests.support.own_service import client_of, installation_with
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

REQUEST, LOG_IN = "identity/sessions/mail/request", "identity/sessions/mail"
MAIL, CODES = "system.session.mail.token", "resource/otp/recovery_codes"
INVALID = (422, ["mail_log_in.invalid"])
MISSING_CODE = (422, ["mail_log_in.missing_code"])
NOBODY = "nobody@example.com"


@dataclass(frozen=True)
class Mailed:
    """What a mail says."""

    token: str
    code: str

    @property
    def wrong_code(self) -> str:
        return f"{(int(self.code) + 1) % 10**8:08}"


@pytest.fixture
async def member(client: Client) -> Client:
    await client.become_member()
    return client


@pytest.fixture
async def elsewhere(system: Installation) -> AsyncIterator[Client]:
    """Another browser."""
    async with Client(system) as made:
        yield made


async def asked(client: Client, ear: Ear, count: int = 1) -> Mailed:
    """Asks for a mail, the member's `count`-th that the ear hears."""
    answer = await client.post(REQUEST, {"email": client.email})
    assert (answer.status, answer.body) == (201, "")
    event = (await ear.called(MAIL, client.email, count))[count - 1]
    return Mailed(event.record["token"], event.record["code"])


async def log_in(client: Client, **form: str) -> Answer:
    return await client.post(LOG_IN, form)


def refusal(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, answer.errors


async def uid_of(client: Client) -> str:
    return str((await client.get("resource/users/me")).body["uid"])


async def set_state(system: Installation, client: Client, state: str) -> None:
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET state = $2 WHERE email = $1", client.email, state)


@pytest.mark.parametrize("proof", ["token", "code"])
async def test_link_or_code_logs_in_where_it_was_asked_for(
    member: Client, ear: Ear, proof: str
) -> None:
    mailed = await asked(member, ear)
    assert (await member.call("DELETE", "identity/sessions")).status == 204
    answer = await log_in(member, **{proof: getattr(mailed, proof)})
    assert (answer.status, answer.body["email"]) == (201, member.email)
    assert answer.headers["Authorization"].startswith("Bearer ")
    session = (await member.get("identity/sessions")).body
    assert (session["amr"], session["acr"]) == (["email"], "aal1")
    [created] = await ear.called("system.session.create", member.email)
    assert created.record["new_device"] is False
    for used in ({"token": mailed.token}, {"code": mailed.code}):
        assert refusal(await log_in(member, **used)) == INVALID


async def test_the_code_is_read_however_it_is_typed(member: Client, ear: Ear) -> None:
    code = (await asked(member, ear)).code
    assert len(code) == 8
    assert (await log_in(member, code=f" {code[:4]}-{code[4:]} ")).status == 201


async def test_another_browser_needs_link_and_code(
    member: Client, ear: Ear, elsewhere: Client
) -> None:
    mailed = await asked(member, ear)
    assert refusal(await log_in(elsewhere, token=mailed.token)) == MISSING_CODE
    assert refusal(await log_in(elsewhere, code=mailed.code)) == INVALID
    wrong = await log_in(elsewhere, token=mailed.token, code=mailed.wrong_code)
    assert refusal(wrong) == INVALID
    assert elsewhere.cookie == ""
    answer = await log_in(elsewhere, token=mailed.token, code=mailed.code)
    assert (answer.status, answer.body["email"]) == (201, member.email)


async def test_another_browser_that_asked_itself_is_another_one(
    member: Client, ear: Ear, elsewhere: Client
) -> None:
    mailed = await asked(member, ear)
    elsewhere.email = NOBODY
    assert (await elsewhere.post(REQUEST, {"email": NOBODY})).status == 201
    assert refusal(await log_in(elsewhere, token=mailed.token)) == MISSING_CODE
    assert refusal(await log_in(elsewhere, code=mailed.code)) == INVALID


async def test_nothing_is_not_enough(member: Client) -> None:
    blank: list[dict[str, str]] = [{}, {"token": "", "code": " "}, {"otp_code": "123456"}]
    for form in blank:
        assert refusal(await log_in(member, **form)) == MISSING_CODE
    for form in ({"token": "x"}, {"code": "1"}, {"token": "x" * 999}):
        assert refusal(await log_in(member, **form)) == INVALID


@pytest.mark.parametrize("form", [{}, {"email": ""}, {"email": "  "}])
async def test_who_asks_names_an_address(client: Client, form: Mapping[str, str]) -> None:
    assert refusal(await client.post(REQUEST, form)) == (400, ["identity.session.missing_email"])


async def test_what_is_too_old_logs_nobody_in(member: Client, ear: Ear, elsewhere: Client) -> None:
    mailed = await asked(member, ear)
    async with tables_of_identity(member.system) as tables:
        await tables.execute(
            "UPDATE mail_log_ins SET expires_at = now() FROM users"
            " WHERE users.uid = mail_log_ins.uid AND email = $1",
            member.email,
        )
    for client in (member, elsewhere):
        for form in ({"token": mailed.token}, {"code": mailed.code}, vars(mailed)):
            assert refusal(await log_in(client, **form)) == INVALID


async def test_five_wrong_codes_end_a_mail(member: Client, ear: Ear) -> None:
    mailed = await asked(member, ear)
    for _ in range(4):
        assert refusal(await log_in(member, code=mailed.wrong_code)) == INVALID
    authenticator = await second_factor_of(member, await uid_of(member))
    for _ in range(3):  # a right code is no guess
        missing = await log_in(member, code=mailed.code)
        assert refusal(missing) == (401, ["identity.session.missing_otp"])
    assert refusal(await log_in(member, code=mailed.wrong_code)) == INVALID
    right = {"otp_code": authenticator.code()}
    for form in ({"code": mailed.code}, {"token": mailed.token}):
        assert refusal(await log_in(member, **form, **right)) == INVALID


async def test_guesses_at_once_are_five_as_well(
    member: Client, ear: Ear, elsewhere: Client
) -> None:
    mailed = await asked(member, ear)
    guesses = [{"token": mailed.token, "code": mailed.wrong_code}] * 12
    answers = await asyncio.gather(*(log_in(elsewhere, **guess) for guess in guesses))
    assert [refusal(answer) for answer in answers] == [INVALID] * 12
    async with tables_of_identity(member.system) as tables:
        tries = await tables.fetchval(
            "SELECT tries FROM mail_log_ins JOIN users USING (uid) WHERE users.email = $1",
            member.email,
        )
    assert tries == 5
    assert refusal(await log_in(elsewhere, **vars(mailed))) == INVALID


@pytest.mark.parametrize("proof", ["token", "code"])
async def test_a_mail_works_once_however_many_try(member: Client, ear: Ear, proof: str) -> None:
    mailed = await asked(member, ear)
    assert (await member.call("DELETE", "identity/sessions")).status == 204
    form = {proof: getattr(mailed, proof)}
    answers = await asyncio.gather(*(log_in(member, **form) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
    assert {code for each in answers if each.status == 422 for code in each.errors} == {
        "mail_log_in.invalid"
    }
    await ear.called("system.session.create", member.email)
    async with tables_of_identity(member.system) as tables:
        opened = await tables.fetchval(
            "SELECT count(*) FROM sessions JOIN users USING (uid)"
            " WHERE email = $1 AND amr = ARRAY['email']",
            member.email,
        )
    assert opened == 1


async def test_all_mails_of_a_browser_work_until_one_is_used(member: Client, ear: Ear) -> None:
    mails = [await asked(member, ear, count) for count in (1, 2, 3)]
    assert (await log_in(member, code=mails[0].code)).status == 201
    for mailed in mails:
        assert refusal(await log_in(member, token=mailed.token)) == INVALID


async def test_a_browser_has_five_mails_at_most(member: Client, ear: Ear) -> None:
    mails = [await asked(member, ear, count) for count in range(1, 7)]
    assert refusal(await log_in(member, token=mails[0].token)) == INVALID
    assert (await log_in(member, token=mails[1].token)).status == 201


async def test_what_was_not_sent_ends_no_mail(member: Client, ear: Ear) -> None:
    mailed = await asked(member, ear)
    for _ in range(6):
        assert (await member.post(REQUEST, {"email": NOBODY})).status == 201
    assert (await log_in(member, token=mailed.token)).status == 201


async def test_the_second_factor_is_asked_for(member: Client, ear: Ear) -> None:
    uid = await uid_of(member)
    authenticator = await second_factor_of(member, uid)
    mailed = await asked(member, ear)
    missing = (401, ["identity.session.missing_otp"])
    assert refusal(await log_in(member, token=mailed.token)) == missing
    wrong = await log_in(member, token=mailed.token, otp_code=authenticator.wrong_code())
    assert refusal(wrong) == (403, ["identity.session.invalid_otp"])
    code = authenticator.code()
    assert (await log_in(member, token=mailed.token, otp_code=code)).status == 201
    session = (await member.get("identity/sessions")).body
    assert (session["amr"], session["acr"]) == (["email", "otp", "mfa"], "aal2")
    again = await asked(member, ear, 2)
    used = await log_in(member, code=again.code, otp_code=code)
    assert refusal(used) == (422, ["totp.error"])


async def test_a_recovery_code_does_as_well(member: Client, ear: Ear) -> None:
    uid = await uid_of(member)
    authenticator = await second_factor_of(member, uid)
    form = {"email": member.email, "password": PASSWORD, "otp_code": authenticator.code()}
    assert (await member.post("identity/sessions", form)).status == 201
    [recovery, *_] = (await member.post(CODES)).body["codes"]
    mailed = await asked(member, ear)
    assert (await log_in(member, code=mailed.code, otp_code=recovery)).status == 201
    again = await asked(member, ear, 2)
    used = await log_in(member, code=again.code, otp_code=recovery)
    assert refusal(used) == (403, ["identity.session.invalid_otp"])


async def test_a_trusted_device_is_asked_for_no_code(system: Installation, ear: Ear) -> None:
    async with (
        installation_with(system, "identity", BARONG_TRUSTED_DEVICE_DAYS="30") as trusting,
        Client(trusting) as member,
    ):
        uid = str((await member.become_member()).body["uid"])
        authenticator = await second_factor_of(member, uid)
        mailed = await asked(member, ear)
        form = {"otp_code": authenticator.code(), "trust_device": "true"}
        assert (await log_in(member, token=mailed.token, **form)).status == 201
        await forget_used_codes(member, uid)
        again = await asked(member, ear, 2)
        assert (await log_in(member, token=again.token)).status == 201
        session = (await member.get("identity/sessions")).body
        assert (session["amr"], session["acr"]) == (["email"], "aal1")
        password = {"email": member.email, "password": PASSWORD}
        assert (await member.post("identity/sessions", password)).status == 201
        member.headers = {"User-Agent": "curl/8"}
        third = await asked(member, ear, 3)
        missing = await log_in(member, token=third.token)
        assert refusal(missing) == (401, ["identity.session.missing_otp"])


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("banned", (401, ["identity.session.banned"])),
        ("deleted", (401, ["identity.session.deleted"])),
        ("locked", (401, ["identity.session.not_active"])),
        ("pending", INVALID),
    ],
)
async def test_who_may_not_log_in_gets_in_by_no_mail(
    member: Client, system: Installation, ear: Ear, state: str, told: tuple[int, list[str]]
) -> None:
    mailed = await asked(member, ear)
    await set_state(system, member, state)
    for form in ({"token": mailed.token}, {"code": mailed.code}):
        assert refusal(await log_in(member, **form)) == told
    assert (await member.post(REQUEST, {"email": member.email})).status == 201
    await set_state(system, member, "active")
    await asked(member, ear, 2)  # the second mail, not the third


async def test_a_pending_account_gets_its_confirmation(client: Client, ear: Ear) -> None:
    """Nobody logs in by mail to an account whose address somebody else may have typed."""
    await client.sign_up()
    sign_up = await client.mailed_token()
    answer = await client.post(REQUEST, {"email": client.email})
    assert (answer.status, answer.body) == (201, "")

    async def another() -> str:
        return token if (token := await client.mailed_token()) != sign_up else ""

    form = {"token": await until(another)}
    confirmed = await client.post("identity/users/email/confirm_code", form)
    assert (confirmed.status, confirmed.body["state"]) == (201, "active")
    assert MAIL not in {event.name for event in await ear.of(client.email, 1)}


@pytest.mark.parametrize("cause", ["ban", "password", "address"])
async def test_what_ends_sessions_ends_mails(
    member: Client, system: Installation, ear: Ear, cause: str
) -> None:
    uid, mailed = await uid_of(member), await asked(member, ear)
    async with identity_of(system) as identity:
        match cause:
            case "ban":
                banned = {"email": "verified", "ban": "spam"}
                await identity.apply_labels(PrivateLabels(uid, 1000, banned))
                await identity.apply_labels(PrivateLabels(uid, 1001, {"email": "verified"}))
            case "password":
                await identity.change_password(uid, PASSWORD, "An0ther-night-train", None, AT_HOME)
            case _:
                new = f"new-{member.email}"
                await member.post("resource/users/email", {"email": new})
                [asked_for] = await ear.called("system.user.email.change.token", member.email)
                form = {"token": asked_for.record["token"]}
                answer = await member.post("identity/users/email/change", form)
                assert answer.status == 201
    for proof in ({"token": mailed.token}, {"code": mailed.code}):
        assert refusal(await log_in(member, **proof)) == INVALID


async def test_an_unknown_address_is_answered_alike(member: Client) -> None:
    answers: dict[str, Any] = {}

    async def ask(email: str) -> None:
        answer = await member.post(REQUEST, {"email": email})
        answers[email] = (answer.status, answer.body, sorted(answer.headers))

    ratio = await slowest_to_fastest((member.email, NOBODY), ask)
    assert answers[member.email] == answers[NOBODY]
    assert answers[NOBODY][:2] == (201, "")
    assert ratio < ALIKE
    async with tables_of_identity(member.system) as tables:
        known = "SELECT count(*) FROM mail_log_ins WHERE uid IS NULL"
        assert await tables.fetchval(known) > 0  # as much is stored


async def test_guesses_at_what_was_never_sent_are_answered_alike(client: Client) -> None:
    assert (await client.post(REQUEST, {"email": NOBODY})).status == 201
    for _ in range(7):
        assert refusal(await log_in(client, code="12345678")) == INVALID


async def test_secrets_are_stored_as_digests(member: Client, ear: Ear) -> None:
    mailed = await asked(member, ear)
    async with tables_of_identity(member.system) as tables:
        row = await tables.fetchrow(
            "SELECT mail_log_ins.* FROM mail_log_ins JOIN users USING (uid) WHERE email = $1",
            member.email,
        )
        assert row is not None
        stored = b"".join(value for value in row.values() if isinstance(value, bytes))
        waiting = await tables.fetchval(
            "SELECT count(*) FROM events WHERE record::text LIKE $1", f"%{mailed.token}%"
        )
    for secret in (mailed.token, mailed.code):
        assert secret.encode() not in stored
        assert secret not in str(row)
    assert waiting == 0


async def test_the_cookie_goes_to_log_ins_alone(member: Client, ear: Ear) -> None:
    await asked(member, ear)
    jar = member._http.cookie_jar  # noqa: SLF001
    cookies = [each for each in jar if each.key == "_barong_mail_log_in"]
    assert sorted(each["path"] for each in cookies) == [
        "/api/v2/barong/identity/sessions",
        "/api/v2/identity/sessions",
        "/identity/sessions",
    ]
    for cookie in cookies:
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert cookie["max-age"] == "600"


async def test_the_mail_and_the_events_tell_who_asked(member: Client, ear: Ear) -> None:
    await asked(member, ear)
    [event] = await ear.called(MAIL, member.email)
    assert set(event.record) == {"user", "domain", "token", "code", "user_ip", "user_agent"}
    assert (event.record["user_ip"], event.record["user_agent"]) == ("127.0.0.1", USER_AGENT)


async def test_activities(member: Client, admin: Client, ear: Ear) -> None:
    uid, mailed = await uid_of(member), await asked(member, ear)
    await log_in(member, code=mailed.wrong_code)
    await log_in(member, token=mailed.token)

    async def recorded() -> list[tuple[str, str, str]]:
        answer = await admin.get("admin/activities", params={"uid": uid, "topic": "session"})
        found = [(each["action"], each["result"], each["data"] or "") for each in answer.body]
        return found[::-1] if len(found) >= 3 else []

    assert await until(recorded) == [
        ("request login mail", "succeed", ""),
        ("login::mail", "failed", '{"reason": "The link or code of the mail is invalid"}'),
        ("login::mail", "succeed", ""),
    ]


async def test_a_log_in_from_a_new_device_is_told(
    member: Client, ear: Ear, elsewhere: Client
) -> None:
    mailed = await asked(member, ear)
    elsewhere.headers = {"User-Agent": "Mozilla/5.0 (iPhone) Safari/605"}
    assert (await log_in(elsewhere, **vars(mailed))).status == 201
    [created] = await ear.called("system.session.create", member.email)
    assert created.record["new_device"] is True


async def test_it_is_off_by_default(system: Installation) -> None:
    off = (404, ["mail_log_in.off"])
    async with client_of(system, "identity", BARONG_MAIL_LOG_IN_MINUTES="0") as client:
        assert refusal(await client.post(REQUEST, {"email": NOBODY})) == off
        assert refusal(await log_in(client, token="x")) == off
        assert refusal(await log_in(client)) == off
        assert "mail_log_in" not in (await client.get("identity/configs")).body
