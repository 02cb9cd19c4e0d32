"""Forms of an account, as a browser without JavaScript sends them, and what the API says then."""

import io
import json
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from tests.support.authenticator import Authenticator, forget_used_codes, second_factor_of
from tests.support.client import Client
from tests.support.pages import Pages
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

PHONES = "/account/phones"
SESSIONS = "/account/sessions"
KEYS = "/account/api-keys"
NEW_PASSWORD = "An0ther-night-train"


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member for all tests of this file, by the API; none of them changes how they log in."""
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture
async def own(pages: Pages, member: Client) -> Pages:
    """Their browser."""
    assert (await pages.log_in(member.email)).url.path == "/account"
    return pages


@pytest.fixture(scope="module")
async def holder(system: Installation) -> AsyncIterator[tuple[Client, Authenticator, str]]:
    """A member with a second factor, their authenticator, and their uid."""
    async with Client(system) as made:
        uid = str((await made.become_member()).body["uid"])
        authenticator = await second_factor_of(made, uid)  # which ends the session
        form = {"email": made.email, "password": PASSWORD, "otp_code": authenticator.code()}
        assert (await made.post("identity/sessions", form)).status == 201
        yield made, authenticator, uid


def a_number() -> str:
    """A mobile number that nothing else in the run uses."""
    return f"+38067{secrets.randbelow(10**7):07}"


async def with_phone(member: Client) -> str:
    """Adds a phone by the API; its number."""
    number = a_number()
    assert (await member.post("resource/phones", {"phone_number": number})).status == 201
    return number


async def phones_of(member: Client) -> dict[str, bool]:
    """Whether each phone is verified, by the end of its number."""
    found = (await member.get("resource/phones")).body
    return {each["number"][-4:]: each["validated_at"] is not None for each in found}


async def test_a_phone_is_added(own: Pages, member: Client) -> None:
    number = a_number()
    refused = await own.fill_in(PHONES, phone_number="+1")
    assert (refused.status, refused.form(PHONES).fields["phone_number"]) == (400, "+1")
    added = await own.fill_in(PHONES, phone_number=number)
    assert "We sent a code to this phone." in added.text
    assert (await phones_of(member))[number[-4:]] is False


async def test_another_code_is_sent(own: Pages, member: Client) -> None:
    number = await with_phone(member)
    sent = await own.send(await own.get(PHONES), f"{PHONES}/code", {"phone_number": number})
    assert "We sent another code." in sent.text


async def test_a_phone_is_verified(own: Pages, member: Client) -> None:
    number = await with_phone(member)
    shown = await own.get(PHONES)
    action, mine = f"{PHONES}/verification", {"phone_number": number}
    assert (await own.send(shown, action, mine, verification_code="")).status == 400
    verified = await own.send(shown, action, mine, verification_code="123456")
    assert "Your phone is verified." in verified.text
    assert (await phones_of(member))[number[-4:]] is True


async def test_a_phone_is_removed(own: Pages, member: Client) -> None:
    number = await with_phone(member)
    removed = await own.send(await own.get(PHONES), f"{PHONES}/removal", {"phone_number": number})
    assert "The phone is removed." in removed.text
    assert number[-4:] not in await phones_of(member)


async def test_a_password_is_changed(pages: Pages, client: Client) -> None:
    await client.become_member()
    await pages.log_in(client.email)
    page = "/account/password"
    typed = {"new_password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
    wrong = await pages.fill_in(page, old_password="wrong", **typed)
    assert wrong.status == 400
    assert "The current password is wrong." in wrong.text
    assert NEW_PASSWORD not in wrong.html
    changed = await pages.fill_in(page, old_password=PASSWORD, **typed)
    assert "Your password is changed. Your other sessions have ended." in changed.text
    assert (await client.get("resource/users/me")).status == 401
    assert (await client.log_in(password=PASSWORD)).status == 401
    assert (await client.log_in(password=NEW_PASSWORD)).status == 201


async def test_a_forgotten_password_is_replaced(pages: Pages, client: Client) -> None:
    await client.become_member()
    used = await client.mailed_token()
    pages.email = client.email
    asked = await pages.fill_in("/account/forgotten-password", email=client.email)
    assert asked.url.path == "/account/log-in"
    assert "If there is an account with this address, the mail is on its way." in asked.text
    page = f"/accounts/password_reset?reset_token={await another_token(client, used)}"
    unlike = await pages.fill_in(page, password=NEW_PASSWORD, confirm_password=PASSWORD)
    assert unlike.status == 422
    typed = {"password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
    reset = await pages.fill_in(page, **typed)
    assert "Your password is changed. Log in with the new one." in reset.text
    assert (await client.log_in(password=PASSWORD)).status == 401
    assert (await client.log_in(password=NEW_PASSWORD)).status == 201
    assert (await pages.fill_in(page, **typed)).status == 422  # it worked once


async def test_nobody_is_told_who_has_an_account(pages: Pages) -> None:
    asked = await pages.fill_in("/account/forgotten-password", email="nobody@example.com")
    assert "If there is an account with this address, the mail is on its way." in asked.text


async def another_token(client: Client, used: str) -> str:
    """The token of the next mail."""

    async def arrived() -> str:
        token = await client.mailed_token()
        return "" if token == used else token

    return await until(arrived)


async def test_another_confirmation_mail_is_sent(pages: Pages, client: Client) -> None:
    await client.sign_up()
    first = await client.mailed_token()
    sent = await pages.fill_in("/account/confirmation-mail", email=client.email)
    assert "If this address needs a confirmation, the mail is on its way." in sent.text
    token = await another_token(client, first)
    page = f"/accounts/confirmation?confirmation_token={token}"
    assert "Your address is confirmed." in (await pages.fill_in(page)).text


async def test_one_session_is_ended(own: Pages, member: Client) -> None:
    async with Client(member.system) as other:
        await other.log_in(member.email)
        (sid,) = [s["id"] for s in (await other.get("resource/sessions")).body if s["current"]]
        shown = await own.get(SESSIONS)
        ended = await own.send(shown, SESSIONS, {"id": sid})
        assert "The session has ended." in ended.text
        assert (await other.get("resource/users/me")).status == 401
        again = await own.send(shown, SESSIONS, {"id": sid})
        assert again.status == 404
        unknown = await own.send(shown, SESSIONS, {"id": sid}, id="x")
        assert unknown.status == 404
    assert (await own.get("/account")).url.path == "/account"


async def test_all_other_sessions_are_ended(pages: Pages, client: Client) -> None:
    await client.become_member()
    async with Client(client.system) as other:
        await other.log_in(client.email)
        await pages.log_in(client.email)
        ended = await pages.fill_in(SESSIONS, f"{SESSIONS}/others")
        assert "All other sessions have ended." in ended.text
        for each in (client, other):
            assert (await each.get("resource/users/me")).status == 401
        assert all(form.action != f"{SESSIONS}/others" for form in ended.forms)
    assert (await pages.get("/account")).url.path == "/account"


async def with_key(pages: Pages, holder: tuple[Client, Authenticator, str]) -> str:
    """Makes an API key by the API, and logs the visitor in; the key's id."""
    client, authenticator, uid = holder
    await forget_used_codes(client, uid)
    form = {"algorithm": "HS256", "totp_code": authenticator.code()}
    made = await client.post("resource/api_keys", form)
    assert made.status == 201, made.body
    await forget_used_codes(client, uid)
    await pages.log_in(client.email, otp_code=authenticator.code())
    await forget_used_codes(client, uid)
    return str(made.body["kid"])


async def state_of(holder: Client, kid: str) -> str | None:
    """The state of a key; None without it."""
    keys = (await holder.get("resource/api_keys")).body
    return next((str(each["state"]) for each in keys if each["kid"] == kid), None)


async def test_a_key_is_made_inactive(
    pages: Pages, holder: tuple[Client, Authenticator, str]
) -> None:
    client, authenticator, _ = holder
    kid = await with_key(pages, holder)
    action = f"{KEYS}/{kid}/state"
    wrong = await pages.fill_in(KEYS, action, totp_code=authenticator.wrong_code())
    assert (wrong.status, await state_of(client, kid)) == (422, "active")
    changed = await pages.fill_in(KEYS, action, totp_code=authenticator.code())
    assert "The API key is changed." in changed.text
    assert await state_of(client, kid) == "inactive"
    assert changed.form(action).fields["state"] == "active"


async def test_a_key_is_deleted(pages: Pages, holder: tuple[Client, Authenticator, str]) -> None:
    client, authenticator, _ = holder
    kid = await with_key(pages, holder)
    deleted = await pages.fill_in(KEYS, f"{KEYS}/{kid}/removal", totp_code=authenticator.code())
    assert "The API key is deleted." in deleted.text
    assert await state_of(client, kid) is None


async def test_a_profile_is_saved_and_submitted(pages: Pages, client: Client) -> None:
    await client.become_member()
    await pages.log_in(client.email)
    page = "/account/profile"
    typed = {"first_name": "Ada", "last_name": "King", "dob": "1985-12-10", "address": "St 1"}
    typed |= {"postcode": "SW1", "city": "London", "country": "GB"}
    saved = await pages.fill_in(page, action="save", **typed)
    assert "Your profile is saved as a draft." in saved.text
    assert typed.items() <= saved.form(page).fields.items()
    submitted = await pages.fill_in(page, action="submit")
    assert "Your profile is submitted for review." in submitted.text
    (profile,) = (await client.get("resource/users/me")).body["profiles"]
    assert profile["state"] == "submitted"
    assert profile["city"].startswith("L")


async def test_a_document_is_as_large_as_a_photograph(pages: Pages, client: Client) -> None:
    await client.become_member()
    await pages.log_in(client.email)
    page = "/account/documents"
    form = aiohttp.FormData()
    typed = {"doc_type": "Passport", "doc_number": "AB123", "doc_expire": "2099-01-01"}
    for name, value in {**(await pages.get(page)).form(page).fields, **typed}.items():
        if name != "upload[]":
            form.add_field(name, value)
    picture = b"\x89PNG\r\n\x1a\n".ljust(5 * 2**20, b"x")
    form.add_field("upload[]", io.BytesIO(picture), filename="a.png", content_type="image/png")
    uploaded = await pages.post(page, form)
    assert "Your document is uploaded. We will look at it." in uploaded.text
    (document,) = (await client.get("resource/documents")).body
    async with pages.http.get(URL(document["upload"]["url"]).path_qs) as answer:
        assert len(await answer.read()) == len(picture)


async def test_a_form_without_files_is_small(own: Pages) -> None:
    form = (await own.get("/account/profile")).form("/account/profile").fields
    refused = await own.post("/account/profile", {**form, "address": "x" * 200_000})
    assert (refused.status, "What you sent is too large." in refused.text) == (413, True)


async def test_data_are_exported(own: Pages, member: Client) -> None:
    assert 'href="/account/data/export"' in (await own.get("/account/data")).html
    export = await own.get("/account/data/export")
    assert export.status == 200
    assert export.headers["Content-Disposition"] == 'attachment; filename="barong-export.json"'
    assert export.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(export.html)["user"]["email"] == member.email


async def test_an_account_is_deleted(pages: Pages, client: Client) -> None:
    await client.become_member()
    await pages.log_in(client.email)
    wrong = await pages.fill_in("/account/deletion", password="wrong")
    assert wrong.status == 422
    assert (await client.get("resource/users/me")).status == 200
    deleted = await pages.fill_in("/account/deletion", password=PASSWORD)
    assert deleted.url.path == "/account/log-in"
    assert "Your account is deleted." in deleted.text
    assert (await client.get("resource/users/me")).status == 401
    assert (await client.log_in()).status == 401
