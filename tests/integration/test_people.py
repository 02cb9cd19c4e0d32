"""People as they are: names, places, addresses, passwords and codes in every spelling of theirs."""

import secrets
import unicodedata
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher

from tests.support.authenticator import Authenticator, early_in_a_step, second_factor_of
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD, Installation

ACCENTED = "Der-Überfall-Čaj-9-größer"
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, ACCENTED) for form in ("NFC", "NFD"))
PROFILES = "resource/profiles"
ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def an_email(domain: str = "example.com") -> str:
    return f"{secrets.token_hex(6)}@{domain}"


@pytest.mark.parametrize(
    "names",
    [
        {"first_name": "Conan", "last_name": "O\u2019Brien"},
        {"first_name": "Martin", "last_name": "King Jr."},
        {"first_name": "Jill", "last_name": "St. John"},
        {"first_name": "\u0645\u06cc\u200c\u0631\u0627", "last_name": "\u0915\u094d\u200d\u0937"},
        {"address": "12\u00bd High St., \u2116 5 (rear)!", "city": "Frankfurt (Oder)"},
        {"city": "Washington, D.C."},
        {"city": "Biel/Bienne", "address": "L\u2019Aquila & Co"},
    ],
)
async def test_names_and_places_are_kept_as_they_are(client: Client, names: dict[str, str]) -> None:
    await client.become_member()
    answer = await client.post(PROFILES, names)
    assert answer.status == 201, answer.body
    assert {name: answer.body[name] for name in names} == names


async def test_text_is_kept_composed_and_without_blanks_around_it(client: Client) -> None:
    await client.become_member()
    answer = await client.post(PROFILES, {"first_name": " Rene\u0301e\u00a0", "city": "\u200b"})
    assert (answer.status, answer.body["first_name"]) == (201, "Ren\u00e9e")
    assert answer.body["city"] in (None, "")


@pytest.mark.parametrize("name", ["\u202eabc", "a\u200bb", "a\nb\x07"])
async def test_what_hides_or_turns_text_around_is_no_name(client: Client, name: str) -> None:
    await client.become_member()
    answer = await client.post(PROFILES, {"last_name": name})
    assert (answer.status, answer.errors) == (422, ["last_name.invalid"])


@pytest.mark.parametrize("path", ["identity/users", "identity/users/password/generate_code"])
async def test_an_invisible_email_is_blank(client: Client, path: str) -> None:
    answer = await client.post(path, {"email": "\u200b\u2060", "password": PASSWORD})
    assert answer.errors == ["identity.user.empty_email"]


async def test_a_domain_of_another_script_is_kept_in_punycode(
    client: Client, admin: Client, system: Installation
) -> None:
    typed = an_email("m\u00fcller.de")
    kept = typed.replace("m\u00fcller", "xn--mller-kva")
    answer = await client.sign_up(email=f" {typed}\u00a0")
    assert (answer.status, answer.body["email"]) == (201, kept)

    client.email = kept  # as the mail server knows it
    assert (await client.confirm()).status == 201
    for spelling in (typed, kept, typed.upper(), f"\t{typed} ", typed.replace("\u00fc", "u\u0308")):
        async with Client(system) as elsewhere:
            assert (await elsewhere.log_in(spelling)).status == 201
    again = await client.post("identity/users", {"email": typed, "password": PASSWORD})
    assert (again.status, again.errors) == (422, ["email.taken"])
    assert (
        await client.post("identity/users/password/generate_code", {"email": f" {typed}"})
    ).status == 201
    for parameter in ("email", "q"):
        found = await admin.get("admin/users", params={parameter: typed})
        assert [user["email"] for user in found.body] == [kept]
    acted = await admin.get("admin/activities", params={"email": typed})
    assert {activity["user"]["email"] for activity in acted.body} == {kept}


@pytest.mark.parametrize(
    "email", ["a@\u00fc..de", "\u00fc@example.com", "a@\u00fc_b.de", "a\nb@c.de"]
)
async def test_what_is_no_address_is_told_so(client: Client, email: str) -> None:
    answer = await client.post("identity/users", {"email": email, "password": PASSWORD})
    assert (answer.status, answer.errors) == (422, ["email.invalid"])


@pytest.mark.parametrize(("chosen", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
async def test_a_password_is_the_same_however_it_is_composed(
    client: Client, chosen: str, typed: str
) -> None:
    await client.sign_up(password=chosen)
    await client.confirm()
    assert (await client.log_in(password=typed)).status == 201
    changed = await client.call(
        "PUT",
        "resource/users/password",
        {"old_password": typed, "new_password": typed + "1", "confirm_password": chosen + "1"},
    )
    assert changed.status == 201, changed.body
    assert (await client.log_in(password=chosen + "1")).status == 201
    same = await client.call(
        "PUT",
        "resource/users/password",
        {
            "old_password": chosen + "1",
            "new_password": typed + "1",
            "confirm_password": typed + "1",
        },
    )
    assert same.errors == ["resource.password.no_change_provided"]


async def test_a_digest_of_the_raw_text_still_verifies(client: Client) -> None:
    await client.become_member()
    digest = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(DECOMPOSED)
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "UPDATE users SET password_digest = $2 WHERE email = $1", client.email, digest
        )
    assert (await client.log_in(password=DECOMPOSED)).status == 201
    assert (await client.log_in(password=DECOMPOSED + "x")).status == 401


async def test_blanks_belong_to_a_password(client: Client) -> None:
    await client.sign_up(password=f" {PASSWORD} ")
    await client.confirm()
    assert (await client.log_in(password=PASSWORD)).status == 401
    assert (await client.log_in(password=f" {PASSWORD} ")).status == 201


@pytest.mark.parametrize(
    "shown",
    [
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: f"\u202a{code[:3]}\u2011{code[3:]}\u202c",
        lambda code: code.translate(ARABIC_INDIC),
    ],
)
async def test_a_code_counts_however_it_is_shown(client: Client, shown: Any) -> None:
    uid = (await client.become_member()).body["uid"]
    await early_in_a_step()
    authenticator: Authenticator = await second_factor_of(client, uid)
    form = {"email": client.email, "password": PASSWORD, "otp_code": shown(authenticator.code())}
    assert (await client.post("identity/sessions", form)).status == 201


@pytest.mark.parametrize(
    "spelling",
    [
        "00{0}",
        "(+38) 067{1}",
        "\u202a+380\u00a067\u2011{1}\u202c",
        "+\u0663\u0668\u0660\u0666\u0667{1}",
    ],
)
async def test_a_phone_is_the_same_however_it_is_written(client: Client, spelling: str) -> None:
    await client.become_member()
    last = f"{secrets.randbelow(10**7):07}"
    number = f"38067{last}"
    answer = await client.post("resource/phones", {"phone_number": spelling.format(number, last)})
    assert answer.status == 201, answer.body
    verified = await client.post(
        "resource/phones/verify", {"phone_number": number, "verification_code": " 12 345"}
    )
    assert verified.status == 201
    (phone,) = (await client.get("resource/phones")).body
    assert phone["number"] == number


@pytest.mark.parametrize("field", ["page", "limit"])
@pytest.mark.parametrize("blank", ["", " "])
async def test_a_blank_page_is_none(admin: Client, field: str, blank: str) -> None:
    answer = await admin.get("admin/users", params={field: blank})
    code = {"page": "non_positive_page", "limit": "invalid_limit"}[field]
    assert (answer.status, answer.errors) == (422, [code])


@pytest.mark.parametrize(
    ("path", "form", "errors"),
    [
        ("resource/labels", {"key": "abc", "value": "a\nb"}, ["value.invalid"]),
        ("resource/labels", {"key": "a\rb", "value": "abc"}, ["key.invalid"]),
        ("resource/phones", {"phone_number": "+38\n067"}, ["resource.phone.invalid_num"]),
        ("resource/data_storage", {"title": "per\x07sonal", "data": "{}"}, ["title.inclusion"]),
    ],
)
async def test_a_line_break_has_the_code_of_its_field(
    client: Client, path: str, form: dict[str, str], errors: list[str]
) -> None:
    await client.become_member()
    assert (await client.post(path, form)).errors == errors


async def test_links_in_mails_lead_here_and_tell_the_language(
    client: Client, system: Installation
) -> None:
    await client.sign_up(data='{"language": "de"}')
    token = await client.mailed_token()
    mail = (system.mail / f"{quote(client.email, safe='@')}.eml").read_bytes()
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    page = "http://localhost:8080/accounts/confirmation"
    assert f"{page}?confirmation_token={token}&lang=de" in body.get_content()
