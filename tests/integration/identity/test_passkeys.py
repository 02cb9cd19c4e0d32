"""Passkeys: added, used to log in and to verify, renamed, deleted; and every bad answer."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.authenticator import second_factor_of
from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import tables_of_identity
from tests.support.own_service import client_of
from tests.support.passkeys import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    ORIGIN,
    USER_PRESENT,
    SoftAuthenticator,
    encoded,
)
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

PASSKEYS, LOG_IN = "resource/passkeys", "identity/sessions/passkey"
VERIFY = "resource/sessions/verify/passkey"
CODES = "resource/otp/recovery_codes"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def member(client: Client) -> Client:
    """A member who has just logged in."""
    await client.become_member()
    assert (await client.log_in()).status == 201
    return client


@pytest.fixture
async def authenticator(member: Client) -> SoftAuthenticator:
    """The member's, with a passkey."""
    made = SoftAuthenticator()
    assert (await add(member, made)).status == 201
    return made


async def options(client: Client, path: str) -> dict[str, Any]:
    answer = await client.post(f"{path}/options")
    assert answer.status == 201, answer
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.body["publicKey"])


async def send(client: Client, path: str, credential: object, **more: str) -> Answer:
    return await client.post(path, json={"credential": credential, **more})


async def add(client: Client, authenticator: SoftAuthenticator, name: str = "Laptop") -> Answer:
    credential = authenticator.create(await options(client, PASSKEYS))
    return await send(client, PASSKEYS, credential, name=name)


async def log_in(client: Client, authenticator: SoftAuthenticator) -> Answer:
    return await send(client, LOG_IN, authenticator.get(await options(client, LOG_IN)))


async def shown(client: Client) -> list[dict[str, Any]]:
    return list((await client.get(PASSKEYS)).body)


def refused(answer: Answer, code: str) -> bool:
    return (answer.status, answer.errors) == (422, [code])


async def test_a_passkey_is_added_and_logs_in(member: Client, ear: Ear) -> None:
    authenticator = SoftAuthenticator()
    asked = await options(member, PASSKEYS)
    assert (asked["rp"], asked["attestation"]) == ({"name": "Barong", "id": "localhost"}, "none")
    assert asked["user"]["name"] == member.email
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    added = await send(member, PASSKEYS, authenticator.create(asked), name="Laptop")
    assert added.status == 201
    [passkey] = await shown(member)
    assert added.body == passkey
    assert (passkey["name"], passkey["used_at"]) == ("Laptop", None)
    assert (passkey["backup_eligible"], passkey["backed_up"]) == (True, False)
    again = await options(member, PASSKEYS)
    assert [each["id"] for each in again["excludeCredentials"]] == [encoded(authenticator.id)]

    authenticator.flags |= BACKED_UP
    async with Client(member.system) as elsewhere:
        asked = await options(elsewhere, LOG_IN)
        assert (asked["allowCredentials"], asked["userVerification"]) == ([], "required")
        answer = await send(elsewhere, LOG_IN, authenticator.get(asked))
        assert (answer.status, answer.body["email"]) == (201, member.email)
        session = (await elsewhere.get("identity/sessions")).body
        assert (session["amr"], session["acr"]) == (["pop", "user", "mfa"], "phr")
        [passkey] = await shown(elsewhere)
        assert (passkey["backed_up"], passkey["used_at"] is None) == (True, False)
    [event] = await ear.called("model.passkey.created", member.email)
    assert (event.record["id"], event.record["name"]) == (passkey["id"], "Laptop")
    assert "public_key" not in event.record


async def test_in_a_form_the_credential_is_text(member: Client) -> None:
    authenticator = SoftAuthenticator()
    credential = json.dumps(authenticator.create(await options(member, PASSKEYS)))
    added = await member.post(PASSKEYS, {"credential": credential})
    assert (added.status, added.body["name"]) == (201, "Passkey")


async def test_no_code_is_asked_for_besides(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    await second_factor_of(member, uid)
    assert (await member.log_in()).errors == ["identity.session.missing_otp"]
    assert (await log_in(member, authenticator)).status == 201


async def test_a_challenge_counts_once(member: Client, authenticator: SoftAuthenticator) -> None:
    credential = authenticator.get(await options(member, LOG_IN))
    assert (await send(member, LOG_IN, credential)).status == 201
    assert refused(await send(member, LOG_IN, credential), "passkey.invalid_challenge")
    asked = await options(member, LOG_IN)
    wrong = {**authenticator.get(asked), "id": "x"}
    assert refused(await send(member, LOG_IN, wrong), "passkey.invalid")
    later = await send(member, LOG_IN, authenticator.get(asked))  # a wrong answer used it up
    assert refused(later, "passkey.invalid_challenge")


async def test_of_two_answers_at_once_one_counts(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    credential = authenticator.get(await options(member, LOG_IN))

    async def elsewhere() -> int:
        async with Client(member.system) as other:
            return (await send(other, LOG_IN, credential)).status

    assert sorted(await asyncio.gather(*(elsewhere() for _ in range(3)))) == [201, 422, 422]


async def test_a_foreign_challenge_does_not_count(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    """Neither one that nobody made, nor one for another purpose, user or session."""
    made_up = {"challenge": encoded(bytes(32))}
    assert refused(
        await send(member, LOG_IN, authenticator.get(made_up)), "passkey.invalid_challenge"
    )
    to_verify = await options(member, VERIFY)
    assert refused(
        await send(member, LOG_IN, authenticator.get(to_verify)), "passkey.invalid_challenge"
    )
    to_log_in = await options(member, LOG_IN)
    assert refused(
        await send(member, VERIFY, authenticator.get(to_log_in)), "passkey.invalid_challenge"
    )
    async with Client(member.system) as other:
        await other.become_member()
        theirs = await options(other, VERIFY)
        to_add = await options(other, PASSKEYS)
    assert refused(
        await send(member, VERIFY, authenticator.get(theirs)), "passkey.invalid_challenge"
    )
    credential = SoftAuthenticator().create(to_add)
    assert refused(await send(member, PASSKEYS, credential), "passkey.invalid_challenge")
    mine = await options(member, VERIFY)
    assert (await member.log_in()).status == 201  # another session of the same user
    assert refused(await send(member, VERIFY, authenticator.get(mine)), "passkey.invalid_challenge")


async def test_an_old_challenge_does_not_count(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    credential = authenticator.get(await options(member, LOG_IN))
    async with tables_of_identity(member.system) as tables:
        await tables.execute("UPDATE passkey_challenges SET expires_at = now()")
    assert refused(await send(member, LOG_IN, credential), "passkey.invalid_challenge")


async def test_another_origin_is_refused(member: Client, authenticator: SoftAuthenticator) -> None:
    for origin in (
        *("https://evil.example", "http://localhost:8081", "http://localhost:8080.evil", ""),
    ):
        authenticator.origin = origin
        assert refused(await log_in(member, authenticator), "passkey.invalid_origin")
        assert refused(await add(member, SoftAuthenticator(origin)), "passkey.invalid_origin")
    assert len(await shown(member)) == 1


async def test_another_domain_is_refused(member: Client, authenticator: SoftAuthenticator) -> None:
    authenticator.rp_id = "evil.example"
    assert refused(await log_in(member, authenticator), "passkey.invalid")


async def test_a_user_who_was_not_verified_is_refused(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    authenticator.flags = USER_PRESENT | BACKUP_ELIGIBLE
    assert refused(await log_in(member, authenticator), "passkey.user_not_verified")
    unverified = SoftAuthenticator(flags=USER_PRESENT)
    assert refused(await add(member, unverified), "passkey.user_not_verified")


async def test_a_cloned_authenticator_is_found(
    member: Client, authenticator: SoftAuthenticator, admin: Client
) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    clone = authenticator.copy()
    assert (await log_in(member, authenticator)).status == 201
    assert refused(await log_in(member, clone), "passkey.cloned")  # the same count once more
    assert (await log_in(member, authenticator)).status == 201

    async def recorded() -> list[str]:
        found = (await admin.get("admin/activities", params={"uid": uid})).body
        return [each["data"] for each in found if each["result"] == "failed"]

    assert await until(recorded) == ['{"reason": "The passkey may have been copied"}']


async def test_an_authenticator_that_does_not_count(member: Client) -> None:
    authenticator = SoftAuthenticator(step=0)
    assert (await add(member, authenticator)).status == 201
    for _ in range(2):
        assert (await log_in(member, authenticator)).status == 201


async def test_another_signature_is_refused(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    other_key = SoftAuthenticator(id=authenticator.id, handle=authenticator.handle)
    other_key.rp_id = authenticator.rp_id
    assert refused(await log_in(member, other_key), "passkey.invalid")


async def test_a_passkey_of_another_user_is_refused(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    async with Client(member.system) as other:
        await other.become_member()
        theirs = SoftAuthenticator()
        assert (await add(other, theirs)).status == 201
        other_uid = (await other.get("resource/users/me")).body["uid"]
    mixed = theirs.copy()
    mixed.handle = authenticator.handle  # it says that it is the member's
    assert refused(await log_in(member, mixed), "passkey.of_another_user")
    asked = await options(member, VERIFY)
    assert refused(await send(member, VERIFY, theirs.get(asked)), "passkey.of_another_user")
    without_handle = theirs.get(await options(member, LOG_IN))
    without_handle["response"]["userHandle"] = None
    assert refused(await send(member, LOG_IN, without_handle), "passkey.invalid")
    again = await add(member, theirs)
    assert refused(again, "resource.passkey.exists")
    assert theirs.handle != other_uid.encode()  # since it was added for the member just now


async def test_an_unknown_passkey_is_refused(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    [passkey] = await shown(member)
    assert (await member.call("DELETE", f"{PASSKEYS}/{passkey['id']}")).status == 204
    assert refused(await log_in(member, authenticator), "passkey.unknown")


NO_CREDENTIALS: tuple[Any, ...] = (
    *(None, "", "x", "[]", 1, [], {}, "{", {"response": 1}, {"response": {}}),
    {"response": {"clientDataJSON": "!"}},
    {"response": {"clientDataJSON": encoded(b"[]")}},
    {"response": {"clientDataJSON": encoded(b"[" * 5000)}},
    {"response": {"clientDataJSON": encoded(b'{"challenge": 1}')}},
    {"id": "x" * 20_000},
)
BROKEN = (None, 1, "", "!", encoded(b"x" * 50), encoded(b"\xff" * 300))


async def test_what_is_no_credential_is_refused(member: Client) -> None:
    for credential in NO_CREDENTIALS:
        for path in (LOG_IN, VERIFY, PASSKEYS):
            answer = await send(member, path, credential)
            assert refused(answer, "passkey.invalid"), (path, credential)


async def test_broken_parts_are_refused(member: Client, authenticator: SoftAuthenticator) -> None:
    for part in ("authenticatorData", "signature", "clientDataJSON", "userHandle"):
        for value in BROKEN:
            credential = authenticator.get(await options(member, LOG_IN))
            credential["response"][part] = value
            answer = await send(member, LOG_IN, credential)
            assert answer.status == 422, (part, value)
            assert answer.errors[0] in ("passkey.invalid", "passkey.of_another_user")


async def test_broken_attestations_are_refused(member: Client) -> None:
    for value in (*BROKEN, encoded(b"\xa0"), encoded(b"\x9f" * 3000)):
        credential = SoftAuthenticator().create(await options(member, PASSKEYS))
        credential["response"]["attestationObject"] = value
        assert refused(await send(member, PASSKEYS, credential), "passkey.invalid"), value


async def test_renaming_and_deleting(
    member: Client, authenticator: SoftAuthenticator, ear: Ear
) -> None:
    [passkey] = await shown(member)
    one = f"{PASSKEYS}/{passkey['id']}"
    renamed = await member.call("PATCH", one, {"name": " Büro "})
    assert (renamed.status, renamed.body["name"]) == (200, "Büro")
    for name in ("", "x" * 65, "a\nb"):
        answer = await member.call("PATCH", one, {"name": name})
        assert refused(answer, "resource.passkey.invalid_name")
    async with Client(member.system) as other:
        await other.become_member()
        for method in ("PATCH", "DELETE"):
            answer = await other.call(method, one, {"name": "mine"})
            assert (answer.status, answer.errors) == (404, ["resource.passkey.doesnt_exist"])
    for unknown in (NOBODY, "1", "x" * 300):
        assert (await member.call("DELETE", f"{PASSKEYS}/{unknown}")).status == 404
    assert (await member.call("DELETE", one)).status == 204
    assert await shown(member) == []
    [event] = await ear.called("model.passkey.updated", member.email)
    assert (event.record["name"], event.changes) == ("Büro", {"name": "Laptop"})
    assert await ear.called("model.passkey.deleted", member.email)


async def test_changes_ask_for_a_recent_verification(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    [passkey] = await shown(member)
    one = f"{PASSKEYS}/{passkey['id']}"
    async with tables_of_identity(member.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '601 seconds' FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            member.email,
        )
    for method, path in (("POST", f"{PASSKEYS}/options"), ("DELETE", one)):
        answer = await member.call(method, path)
        assert answer.errors == ["authz.insufficient_user_authentication"]
    assert (await member.call("PATCH", one, {"name": "Tablet"})).status == 200
    asked = await options(member, VERIFY)
    assert [each["id"] for each in asked["allowCredentials"]] == [encoded(authenticator.id)]
    verified = await send(member, VERIFY, authenticator.get(asked))
    assert (verified.status, verified.body["acr"]) == (201, "phr")
    assert (await member.call("DELETE", one)).status == 204


async def test_recovery_codes_go_with_the_last_factor(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    assert (await member.post(CODES)).status == 201
    [passkey] = await shown(member)
    assert (await member.call("DELETE", f"{PASSKEYS}/{passkey['id']}")).status == 204
    assert (await member.get(CODES)).body["remaining"] == 0


async def test_a_recovery_code_replaces_a_passkey_at_a_verification(
    member: Client, authenticator: SoftAuthenticator, ear: Ear
) -> None:
    """For who has no second factor besides; at the log-in no code is asked for."""
    codes = (await member.post(CODES)).body["codes"]
    verify = "resource/sessions/verify"
    form = {"email": member.email, "password": PASSWORD, "otp_code": codes[0]}
    assert (await member.post("identity/sessions", form)).body["otp"] is False
    assert (await member.get("identity/sessions")).body["acr"] == "aal1"
    assert (await member.get(CODES)).body["remaining"] == 10  # it was not used up

    alone = await member.post(verify, {"otp_code": codes[0]})
    assert (alone.status, alone.body["amr"]) == (201, ["pwd", "otp", "mfa"])
    assert alone.body["acr"] == (await member.get("identity/sessions")).body["acr"] == "aal2"
    again = await member.post(verify, {"otp_code": codes[0]})
    assert refused(again, "resource.session.invalid_otp")
    wrong = await member.post(verify, {"password": PASSWORD, "otp_code": codes[0]})
    assert refused(wrong, "resource.session.invalid_otp")
    bad = await member.post(verify, {"password": "wrong", "otp_code": codes[1]})
    assert refused(bad, "resource.session.invalid_password")
    both = await member.post(verify, {"password": PASSWORD, "otp_code": codes[1]})
    assert (both.status, both.body["acr"]) == (201, "aal2")
    assert (await member.get(CODES)).body["remaining"] == 8
    used = await ear.called("system.user.recovery_code.used", member.email, 2)
    assert [event.record["remaining"] for event in used] == [9, 8]


async def test_of_two_who_verify_with_one_recovery_code_one_succeeds(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    code, *_ = (await member.post(CODES)).body["codes"]
    verify = "resource/sessions/verify"
    answers = await asyncio.gather(*(member.post(verify, {"otp_code": code}) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [201, 422, 422]


async def test_the_number_of_passkeys_is_limited(member: Client) -> None:
    asked = [await options(member, PASSKEYS) for _ in range(21)]
    answers = [await send(member, PASSKEYS, SoftAuthenticator().create(each)) for each in asked]
    assert [answer.status for answer in answers] == [201] * 20 + [422]
    assert answers[-1].errors == ["resource.passkey.too_many"]
    assert (await member.post(f"{PASSKEYS}/options")).errors == ["resource.passkey.too_many"]


async def test_whoever_proves_the_address_ends_passkeys_of_others(system: Installation) -> None:
    """Somebody signed up with an address that is not theirs, and waits."""
    async with Client(system) as thief, Client(system) as owner:
        await thief.sign_up()
        theirs = SoftAuthenticator()
        assert (await add(thief, theirs)).status == 201
        assert (await thief.post("resource/otp/recovery_codes")).status == 201
        owner.email = thief.email
        assert (await owner.confirm()).status == 201
        assert refused(await log_in(thief, theirs), "passkey.unknown")
        assert (await owner.get("resource/otp/recovery_codes")).body["remaining"] == 0


async def test_what_is_added_in_the_session_that_proves_it_stays(system: Installation) -> None:
    async with Client(system) as owner:
        await owner.sign_up()
        authenticator = SoftAuthenticator()
        assert (await add(owner, authenticator)).status == 201
        assert (await owner.confirm()).status == 201
        assert (await log_in(owner, authenticator)).status == 201


async def test_a_banned_user_does_not_log_in(
    member: Client, authenticator: SoftAuthenticator, admin: Client
) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    assert (await admin.call("PUT", "admin/users", {"uid": uid, "state": "banned"})).status == 200
    answer = await log_in(member, authenticator)
    assert (answer.status, answer.errors) == (401, ["identity.session.banned"])


async def test_a_password_reset_leaves_passkeys(
    member: Client, authenticator: SoftAuthenticator
) -> None:
    """As it leaves the second factor: a mailbox alone replaces neither."""
    before = await member.mailed_token()
    await member.post("identity/users/password/generate_code", {"email": member.email})

    async def next_token() -> str:
        token = await member.mailed_token()
        return token if token != before else ""

    form = {"reset_password_token": await until(next_token)}
    passwords = {"password": PASSWORD + "2", "confirm_password": PASSWORD + "2"}
    reset = await member.post("identity/users/password/confirm_code", {**form, **passwords})
    assert reset.status == 201
    assert (await log_in(member, authenticator)).status == 201


async def test_origins_are_settings(system: Installation) -> None:
    origins = "https://app.example.com,https://example.com:8443"
    settings = {"BARONG_PASSKEY_ORIGINS": origins, "BARONG_PASSKEY_DOMAIN": "example.com"}
    async with client_of(system, "identity", **settings) as member:
        await member.become_member()
        authenticator = SoftAuthenticator("https://example.com:8443")
        assert (await add(member, authenticator)).status == 201
        assert authenticator.rp_id == "example.com"
        authenticator.origin = "https://app.example.com"
        assert (await log_in(member, authenticator)).status == 201
        authenticator.origin = ORIGIN
        assert refused(await log_in(member, authenticator), "passkey.invalid_origin")


async def test_asking_for_challenges_is_limited(system: Installation) -> None:
    async with client_of(system, "identity", BARONG_THROTTLING="true") as client:
        client.headers = {"X-Forwarded-For": "198.18.77.1"}
        statuses = [(await client.post(f"{LOG_IN}/options")).status for _ in range(101)]
        assert statuses == [201] * 100 + [429]
        client.headers = {"X-Forwarded-For": "198.18.77.2"}
        assert (await client.post(f"{LOG_IN}/options")).status == 201
