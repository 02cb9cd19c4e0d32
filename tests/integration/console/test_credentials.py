"""What a member changes of how they log in, by the pages, as a browser without JavaScript."""

import json
import re
import secrets
from urllib.parse import quote

import pytest

from tests.support.authenticator import Authenticator
from tests.support.internal import tables_of_identity
from tests.support.own_service import pages_of
from tests.support.pages import Pages, Shown
from tests.support.passkeys import SoftAuthenticator
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until


async def confirmed(pages: Pages) -> None:
    """Signs the visitor up and confirms their address."""
    await pages.sign_up()
    token = await pages.mailed_token()
    shown = await pages.fill_in(f"/accounts/confirmation?confirmation_token={token}")
    assert shown.url.path == "/account"


async def mailed_link(system: Installation, email: str, path: str) -> str:
    """The link that leads to `path`, out of the latest mail to this address."""
    file = system.mail / f"{quote(email, safe='@')}.eml"

    async def arrived() -> str:
        mail = file.read_text().replace("=\n", "").replace("=3D", "=") if file.exists() else ""
        link = re.search(rf"https?://[^/]+({path}\?\S+)", mail)
        return link[1] if link else ""

    return await until(arrived)


async def test_an_address_is_changed_and_taken_back(pages: Pages, system: Installation) -> None:
    await confirmed(pages)
    old, new = pages.email, f"{secrets.token_hex(6)}@example.org"
    asked = await pages.fill_in("/account/email", email=new)
    assert "We sent a mail to the new address" in asked.text
    link = await mailed_link(system, new, "/accounts/email_change")
    for _ in range(2):  # opening it uses nothing up
        assert (await pages.get(link)).status == 200
    assert old in (await pages.get("/account")).text
    changed = await pages.fill_in(link)
    assert changed.url.path == "/account/log-in"
    assert "Your e-mail address is changed." in changed.text
    used = await pages.fill_in(link)
    assert used.status == 422
    assert "This link was used already." in used.text
    assert new in (await pages.log_in(new)).text

    link = await mailed_link(system, old, "/accounts/email_reversal")
    async with Pages(system) as owner:
        assert (await owner.get(link)).status == 200
        back = await owner.fill_in(link)
        assert back.url.path == "/account/forgotten-password"
        assert "Your old address is back." in back.text
        assert (await owner.fill_in(link)).status == 422
    assert (await pages.get("/account")).url.path == "/account/log-in"
    assert (await pages.log_in(old, PASSWORD)).status == 422  # the password is useless


async def test_what_is_no_new_address_is_refused(pages: Pages) -> None:
    await pages.sign_up()
    early = await pages.fill_in("/account/email", email="ada@example.org")
    assert "Confirm the address of your account first." in early.text
    await pages.fill_in(f"/accounts/confirmation?confirmation_token={await pages.mailed_token()}")
    for typed, told in (
        (pages.email, "This is your address already."),
        ("no address", "This is not an e-mail address."),
    ):
        refused = await pages.fill_in("/account/email", email=typed)
        assert refused.status == 422
        assert told in refused.text
        assert refused.form("/account/email").fields["email"] == typed


async def test_links_without_a_token_change_nothing(pages: Pages) -> None:
    for page in ("/accounts/email_change", "/accounts/email_reversal"):
        for query, told in (
            ("", "The link is incomplete."),
            ("?email_change_token=x&email_reversal_token=x", "This link does not work any more."),
        ):
            refused = await pages.fill_in(page + query)
            assert refused.status in (400, 422)
            assert told in refused.text


async def age(pages: Pages) -> None:
    """Makes the authentications in the visitor's sessions older than ten minutes."""
    async with tables_of_identity(pages.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '601 seconds' FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            pages.email,
        )


async def with_second_factor(pages: Pages) -> Authenticator:
    """Turns the visitor's second factor on; the code of this moment still counts."""
    made = await pages.fill_in("/account/second-factor", "/account/second-factor/setup")
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', made.html)
    assert secret is not None
    authenticator = Authenticator(secret[1].replace(" ", ""))
    form = made.form("/account/second-factor").fields
    enabled = await pages.post("/account/second-factor", {**form, "code": authenticator.code()})
    assert "Your second factor is on." in enabled.text
    async with tables_of_identity(pages.system) as tables:
        await tables.execute(
            "UPDATE second_factors SET last_step = 0 FROM users"
            " WHERE users.uid = second_factors.uid AND email = $1",
            pages.email,
        )
    return authenticator


async def test_an_operation_leads_to_another_proof_and_back(pages: Pages) -> None:
    await confirmed(pages)
    await age(pages)
    new = f"{secrets.token_hex(6)}@example.org"
    asked = await pages.fill_in("/account/email", email=new)
    assert (asked.url.path, asked.url.query["next"]) == ("/account/verification", "/account/email")
    page = asked.url.path_qs
    wrong = await pages.fill_in(page, password="wrong")
    assert wrong.status == 422
    assert "The password is wrong." in wrong.text
    assert wrong.form("/account/verification").fields["next"] == "/account/email"
    nothing = await pages.fill_in(page, password="")
    assert "Enter your password or a code." in nothing.text
    back = await pages.fill_in(page, password=PASSWORD)
    assert back.url.path == "/account/email"
    assert "Thank you." in back.text
    assert "We sent a mail" in (await pages.fill_in("/account/email", email=new)).text


async def test_with_a_second_factor_a_code_proves_it(pages: Pages) -> None:
    await confirmed(pages)
    authenticator = await with_second_factor(pages)
    page = "/account/verification?next=/account/email"
    assert "password" not in (await pages.get(page)).form("/account/verification").fields
    wrong = await pages.fill_in(page, otp_code=authenticator.wrong_code())
    assert "This code is wrong, or it was used already." in wrong.text
    assert (await pages.fill_in(page, otp_code=authenticator.code())).url.path == "/account/email"


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/account/verification", "/accountx"]
)
async def test_another_proof_leads_only_to_pages_of_ours(pages: Pages, wanted: str) -> None:
    await pages.sign_up()
    form = (await pages.get("/account/verification", params={"next": wanted})).form(
        "/account/verification"
    )
    assert form.fields["next"] == "/account"
    sent = {**form.fields, "next": wanted, "password": PASSWORD}
    shown = await pages.post("/account/verification", sent, allow_redirects=False)
    assert shown.headers["Location"] == "/account?done=verified"


async def test_a_level_that_a_member_cannot_reach_is_explained(pages: Pages) -> None:
    await pages.sign_up()
    stronger = await pages.get("/account/verification?next=/account&acr=aal2")
    assert "It needs a second factor or a passkey." in stronger.text
    assert all(form.action != "/account/verification" for form in stronger.forms)
    assert "It needs a passkey" in (await pages.get("/account/verification?acr=phr")).text
    await pages.fill_in(f"/accounts/confirmation?confirmation_token={await pages.mailed_token()}")
    await with_second_factor(pages)
    reachable = await pages.get("/account/verification?acr=aal2")
    assert reachable.form("/account/verification").fields["acr"] == "aal2"


async def new_codes(pages: Pages) -> list[str]:
    """Makes recovery codes by the page."""
    made = await pages.fill_in("/account/recovery-codes")
    assert "These codes are shown only now." in made.text
    return re.findall(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>", made.html)


async def test_recovery_codes_are_shown_once_and_work_once(pages: Pages) -> None:
    await confirmed(pages)
    early = await pages.get("/account/recovery-codes")
    assert "You need them once you have a second factor or a passkey." in early.text
    assert [form.action for form in early.forms] == ["/account/log-out"]
    assert 'href="/account/recovery-codes"' not in (await pages.get("/account/passkeys")).html
    refused = await pages.post("/account/recovery-codes", early.forms[0].fields)
    assert refused.status == 422
    assert "Your second factor is off." in refused.text
    authenticator = await with_second_factor(pages)
    assert "0 recovery codes are left." in (await pages.get("/account/second-factor")).text
    codes = await new_codes(pages)
    assert len(set(codes)) == 10
    shown = await pages.get("/account/recovery-codes")
    assert "10 recovery codes are left." in shown.text
    assert not any(code in shown.html for code in codes)
    async with Pages(pages.system) as elsewhere:
        missing = await elsewhere.log_in(pages.email)
        assert missing.status == 422
        assert "Enter the code of your authenticator app, too." in missing.text
        wrong = await elsewhere.log_in(pages.email, recovery_code="0000-0000-0000-0000")
        assert wrong.status == 403
        assert "0000-0000" not in wrong.html
        assert (await elsewhere.log_in(pages.email, recovery_code=codes[0])).status == 200
        assert "9 recovery codes are left." in (await elsewhere.get("/account/second-factor")).text
    async with Pages(pages.system) as elsewhere:
        assert (await elsewhere.log_in(pages.email, recovery_code=codes[0])).status == 403
        by_code = await elsewhere.log_in(pages.email, otp_code=authenticator.code())
        assert by_code.url.path == "/account"


async def test_a_recovery_code_turns_a_lost_second_factor_off(pages: Pages) -> None:
    await confirmed(pages)
    await with_second_factor(pages)
    code, *_ = await new_codes(pages)
    page, off = "/account/second-factor", "/account/second-factor/off"
    nothing = await pages.fill_in(page, off)
    assert "Enter the code of your authenticator app." in nothing.text
    assert "Your second factor is off." in (await pages.fill_in(page, off, recovery_code=code)).text


async def test_recovery_codes_ask_for_another_proof(pages: Pages) -> None:
    await confirmed(pages)
    authenticator = await with_second_factor(pages)
    await age(pages)
    asked = await pages.fill_in("/account/recovery-codes")
    assert asked.url.path == "/account/verification"
    back = await pages.fill_in(asked.url.path_qs, otp_code=authenticator.code())
    assert back.url.path == "/account/recovery-codes"
    assert len(await new_codes(pages)) == 10


async def test_a_second_factor_asks_for_another_proof(pages: Pages) -> None:
    await confirmed(pages)
    await age(pages)
    asked = await pages.fill_in("/account/second-factor", "/account/second-factor/setup")
    assert asked.url.path == "/account/verification"
    back = await pages.fill_in(asked.url.path_qs, password=PASSWORD)
    assert back.url.path.startswith("/account/second-factor")
    assert "Thank you." in back.text
    await with_second_factor(pages)  # the way is free now
    assert 'action="/account/second-factor/off"' in (await pages.get("/account/second-factor")).html


async def credential(
    pages: Pages, authenticator: SoftAuthenticator, options: str, token: str
) -> str:
    """What the script on the page does: asks for options, and lets the authenticator answer."""
    url, headers = f"/api/v2/barong/{options}/options", {"X-CSRF-Token": token}
    async with pages.http.post(url, headers=headers) as answer:
        asked = (await answer.json())["publicKey"]
    made = authenticator.create(asked) if "rp" in asked else authenticator.get(asked)
    return json.dumps(made)


async def use(
    pages: Pages,
    authenticator: SoftAuthenticator,
    page: str,
    action: str,
    options: str,
    **typed: str,
) -> Shown:
    """Sends a form with a passkey."""
    fields = (await pages.get(page)).form(action).fields
    made = await credential(pages, authenticator, options, fields["csrf"])
    return await pages.post(action, {**fields, "credential": made, **typed})


async def test_a_recovery_code_replaces_a_lost_passkey(pages: Pages) -> None:
    """For a member without a second factor, where another proof is asked for."""
    await confirmed(pages)
    page = "/account/passkeys"
    assert "I have lost my passkey" not in (await pages.get("/account/verification")).text
    added = await use(pages, SoftAuthenticator(), page, page, "resource/passkeys", name="Laptop")
    assert "Your passkey is added." in added.text
    assert "If you have lost your passkeys" in (await pages.get("/account/recovery-codes")).text
    code, *_ = await new_codes(pages)
    await age(pages)
    asked = await pages.fill_in("/account/recovery-codes")
    assert asked.url.path == "/account/verification"
    assert "I have lost my passkey" in asked.text
    wrong = await pages.fill_in(asked.url.path_qs, recovery_code="0000-0000-0000-0000")
    assert "This code is wrong, or it was used already." in wrong.text
    back = await pages.fill_in(asked.url.path_qs, recovery_code=code)
    assert back.url.path == "/account/recovery-codes"
    assert "9 recovery codes are left." in back.text
    stronger = await pages.get("/account/verification?acr=aal2")
    assert "recovery_code" in stronger.form("/account/verification").fields


async def test_a_passkey_is_added_logs_in_is_renamed_and_deleted(pages: Pages) -> None:
    await confirmed(pages)
    page, key = "/account/passkeys", SoftAuthenticator()
    added = await use(pages, key, page, page, "resource/passkeys", name="<b>Laptop</b>")
    assert "Your passkey is added." in added.text
    assert "<b>Laptop</b>" in added.text
    assert "<b>Laptop" not in added.html
    assert "not used yet" in added.text

    async with Pages(pages.system) as elsewhere:
        log_in, action = "/account/log-in?next=/account/sessions", "/account/log-in/passkey"
        options = "identity/sessions/passkey"
        shown = await use(elsewhere, key, log_in, action, options)
        assert shown.url.path == "/account/sessions"
        assert pages.email in shown.text

    assert "used last" in (await pages.get(page)).text
    renamed = await pages.fill_in(page, f"{page}/name", name="Tablet")
    assert "Your passkey has another name." in renamed.text
    assert "Tablet" in renamed.text
    nameless = await pages.fill_in(page, f"{page}/name", name=" ")
    assert (nameless.status, "Enter a name" in nameless.text) == (422, True)
    removed = await pages.fill_in(page, f"{page}/removal")
    assert "The passkey is deleted." in removed.text
    form = removed.form(page).fields
    for unknown in ("x", "00000000-0000-4000-8000-000000000000"):
        gone = await pages.post(f"{page}/removal", {**form, "id": unknown})
        assert gone.status == 404
    async with Pages(pages.system) as elsewhere:
        unknown_key = await use(elsewhere, key, log_in, action, options)
        assert unknown_key.status == 422
        assert "No account has this passkey." in unknown_key.text


async def test_a_form_without_a_passkey_says_so(pages: Pages) -> None:
    """As it comes from a visitor who pressed "Cancel", or from another program."""
    shown = await pages.fill_in("/account/log-in", "/account/log-in/passkey")
    assert shown.status == 422
    assert "Your browser gave no passkey." in shown.text
    for broken, told in (("{}", "does not work here"), ("{" * 9000, "does not work here")):
        refused = await pages.fill_in(
            "/account/log-in", "/account/log-in/passkey", credential=broken
        )
        assert (refused.status, told in refused.text) == (422, True)
        assert broken not in refused.html
    await confirmed(pages)
    page = "/account/passkeys"
    assert "Your browser gave no passkey." in (await pages.fill_in(page, name="Laptop")).text
    await age(pages)
    asked = await pages.fill_in(page, name="Laptop")
    assert (asked.url.path, asked.url.query["next"]) == ("/account/verification", page)


async def test_a_passkey_proves_it_once_more(pages: Pages) -> None:
    await confirmed(pages)
    page, key = "/account/passkeys", SoftAuthenticator()
    await use(pages, key, page, page, "resource/passkeys", name="Laptop")
    await age(pages)
    asked = await pages.fill_in(page, f"{page}/removal")
    assert (asked.url.path, asked.url.query["next"]) == ("/account/verification", f"{page}/removal")
    action = "/account/verification/passkey"
    back = await use(pages, key, asked.url.path_qs, action, "resource/sessions/verify/passkey")
    assert back.url.path == f"{page}/removal"
    assert "The passkey is deleted." in (await pages.fill_in(page, f"{page}/removal")).text


async def test_a_trusted_browser_is_asked_for_no_code(system: Installation) -> None:
    async with (
        pages_of(system, BARONG_TRUSTED_DEVICE_DAYS="30") as trusting,
        Pages(trusting) as pages,
        Pages(trusting) as elsewhere,
    ):
        await confirmed(pages)
        authenticator = await with_second_factor(pages)
        await pages.fill_in("/account/log-out")
        shown = await pages.get("/account/log-in")
        assert "Ask this browser for no code for 30 days" in shown.text
        refused = await pages.log_in(pages.email, trust_device="true")
        assert 'value="true" checked' in refused.html  # it is not forgotten with the missing code
        code = authenticator.code()
        trusted = await pages.log_in(pages.email, otp_code=code, trust_device="true")
        assert trusted.url.path == "/account"
        await pages.fill_in("/account/log-out")
        assert (await pages.log_in(pages.email, trust_device="")).url.path == "/account"
        assert (await elsewhere.log_in(pages.email, trust_device="")).status == 422

        page = "/account/trusted-devices"
        listed = await pages.get(page)
        assert "Firefox/115.0" in listed.text
        form = listed.form(page).fields
        assert (await pages.post(page, {**form, "id": "x"})).status == 404
        ended = await pages.post(page, form)
        assert "This browser is asked for codes again." in ended.text
        assert "No browser is trusted" in ended.text
        await pages.fill_in("/account/log-out")
        assert (await pages.log_in(pages.email, trust_device="")).status == 422


async def test_where_no_browser_is_trusted_none_is_asked_for(pages: Pages) -> None:
    assert "trust_device" not in (await pages.get("/account/log-in")).html
