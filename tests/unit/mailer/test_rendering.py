"""What mails say, in which language, and which templates are refused at the start."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_svc.mail.configuration import read_mails
from mailer_svc.mail.models import Mail
from mailer_svc.mail.rendering import Templates, chosen_language, device_of, load_templates
from mailer_svc.mail.use_cases import build_composer
from shared.contracts.users import language_in
from shared.settings import SettingsError
from tests.unit.mailer.builders import CONFIG, an_event, settings

MAILS = {mail.name: mail for mail in read_mails(CONFIG / "mailer.yaml")}
CONFIRMATION, PASSWORD_RESET = MAILS["confirmation"], MAILS["password_reset"]
CODES_GUESSED = MAILS["codes_guessed"]
THREE = (CONFIRMATION, PASSWORD_RESET, CODES_GUESSED)

VALUES = {
    "link": "https://openware.com/a?t=1&u=2",
    "token": "1",
    "domain": "openware.com",
    "app_name": "Barong",
    "email": "user@example.com",
    "uid": "IDCC5E69B13D",
    "user_ip": "192.0.2.7",
}


@pytest.mark.parametrize(
    ("mail", "language", "subject", "words"),
    [
        (CONFIRMATION, "en", "Confirm your e-mail address at Barong", "did not sign up"),
        (CONFIRMATION, "de", "Bestätigen Sie Ihre E-Mail-Adresse bei Barong", "Willkommen"),
        (PASSWORD_RESET, "en", "Reset your password at Barong", "A new password was asked"),
        (PASSWORD_RESET, "de", "Setzen Sie Ihr Passwort bei Barong zurück", "neues Passwort"),
        (CODES_GUESSED, "en", "Somebody guesses at your codes for Barong", "192.0.2.7"),
        (CODES_GUESSED, "de", "Jemand probiert Ihre Codes bei Barong", "192.0.2.7"),
    ],
)
def test_each_mail_in_each_language(mail: Mail, language: str, subject: str, words: str) -> None:
    content = loaded("", "en").render(mail, language, VALUES)

    assert content.subject == subject
    assert words in content.text
    assert words in content.html
    assert "\nhttps://openware.com/a?t=1&u=2\n" in content.text
    assert 'href="https://openware.com/a?t=1&amp;u=2"' in content.html
    assert f'<html lang="{language}">' in content.html


@pytest.mark.parametrize(
    ("mail", "link"),
    [
        (
            CONFIRMATION,
            "https://x.org/accounts/confirmation?confirmation_token=a.b%2B%2F%3D%26c&lang=de",
        ),
        (
            PASSWORD_RESET,
            "https://x.org/accounts/password_reset?reset_token=a.b%2B%2F%3D%26c&lang=de",
        ),
        (CODES_GUESSED, "https://x.org/?lang=de"),
    ],
)
def test_links_quote_the_token(mail: Mail, link: str) -> None:
    assert mail.link("x.org", "a.b+/=&c", "de") == link


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("x.org", "https://x.org"),
        ("x.org:8443", "https://x.org:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://x.org/app/", "https://x.org/app"),
    ],
)
def test_links_lead_to_where_the_installation_lives(domain: str, origin: str) -> None:
    page = "/accounts/confirmation?confirmation_token=t&lang=en"
    assert CONFIRMATION.link(domain, "t", "en") == f"{origin}{page}"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("fr", "en"),
        ("", "en"),
        ("../../etc", "en"),
        ("d" * 100_000, "en"),
    ],
)
def test_the_nearest_language_is_used(wanted: str, found: str) -> None:
    assert loaded("", "en").language(CONFIRMATION, wanted) == found


def test_the_default_language_is_a_setting() -> None:
    assert loaded("", "de").language(CONFIRMATION, "fr") == "de"


@pytest.mark.parametrize(
    ("data", "language"),
    [
        (json.dumps({"language": "de"}), "de"),
        (json.dumps({"language": ""}), ""),
        (json.dumps({"language": None}), ""),
        (json.dumps({"language": ["de"]}), ""),
        (json.dumps({}), ""),
        (json.dumps(["language"]), ""),
        ('"language"', ""),
        ("[" * 100_000, ""),
        ("9" * 5000, ""),
        ("no JSON", ""),
        ("", ""),
        (None, ""),
        (7, ""),
        ({"language": "de"}, ""),
    ],
)
def test_data_may_be_anything(data: Any, language: str) -> None:
    assert language_in(data) == language


@given(st.text() | st.none() | st.recursive(st.text() | st.integers(), st.lists).map(json.dumps))
def test_data_never_fails(data: str | None) -> None:
    assert isinstance(language_in(data), str)


def test_values_cannot_write_html() -> None:
    content = loaded("", "en").render(
        CONFIRMATION, "en", {**VALUES, "email": "<script>&\"'</script>"}
    )

    assert "<script>" not in content.html
    assert "&lt;script&gt;&amp;&#34;&#39;&lt;/script&gt;" in content.html
    assert "<script>&\"'</script>" in content.text


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\x00"])
def test_a_subject_is_one_line(tmp_path: Path, break_: str) -> None:
    override(tmp_path, "en/confirmation.subject.j2", "{{ email }}\n")

    content = loaded(str(tmp_path), "en").render(
        CONFIRMATION, "en", {**VALUES, "email": f"a{break_}Bcc: b@example.com"}
    )

    assert content.subject == "a Bcc: b@example.com"


def test_values_are_no_templates() -> None:
    content = loaded("", "en").render(CONFIRMATION, "en", {**VALUES, "email": "{{ 7*7 }}"})

    assert "{{ 7*7 }}" in content.text


def test_a_folder_overrides_file_by_file(tmp_path: Path) -> None:
    override(tmp_path, "en/confirmation.subject.j2", "Hello {{ uid }}")

    templates = loaded(str(tmp_path), "en")

    assert templates.render(CONFIRMATION, "en", VALUES).subject == "Hello IDCC5E69B13D"
    assert "Welcome to Barong" in templates.render(CONFIRMATION, "en", VALUES).text
    assert "Passwort" in templates.render(PASSWORD_RESET, "de", VALUES).subject


def test_a_folder_overrides_the_layout(tmp_path: Path) -> None:
    override(tmp_path, "layout.html.j2", "<main>{% block content %}{% endblock %}</main>")

    content = loaded(str(tmp_path), "en").render(CONFIRMATION, "de", VALUES)

    assert content.html.startswith("<main>")
    assert "Willkommen" in content.html


def test_a_folder_adds_a_language(tmp_path: Path) -> None:
    for mail in THREE:
        for part in ("subject", "txt", "html"):
            override(tmp_path, f"pt-br/{mail.name}.{part}.j2", "Olá {{ link }}")

    templates = loaded(str(tmp_path), "pt-br")

    assert templates.language(CONFIRMATION, "pt-BR") == "pt-br"
    assert templates.language(CONFIRMATION, "pt") == "pt-br"
    assert templates.render(CONFIRMATION, "pt-br", VALUES).text == f"Olá {VALUES['link']}"


def test_folders_of_a_config_map_are_no_languages(tmp_path: Path) -> None:
    override(tmp_path, "..2026_11_22/confirmation.subject.j2", "Hello")
    override(tmp_path, "_parts/footer.txt.j2", "Bye")

    assert loaded(str(tmp_path), "en").language(CONFIRMATION, "_parts") == "en"


def test_what_was_checked_is_what_is_sent(tmp_path: Path) -> None:
    override(tmp_path, "en/confirmation.subject.j2", "Before")
    templates = loaded(str(tmp_path), "en")
    override(tmp_path, "en/confirmation.subject.j2", "After {{ broken")

    assert templates.render(CONFIRMATION, "en", VALUES).subject == "Before"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{{ email", "line 1"),
        ("{{ name }}", "'name' is undefined"),
        ("{% include 'nowhere.j2' %}", "'nowhere.j2'"),
        ("{{ email.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 // 0 }}", "zero"),
        ("{{ email.nothing }}", "no attribute 'nothing'"),
        ("\n \n", "It is empty."),
        (b"\xff\xfe", "codec can't decode"),
    ],
)
def test_a_broken_template_is_a_fault_at_the_start(
    tmp_path: Path, source: str | bytes, fault: str
) -> None:
    override(tmp_path, "en/confirmation.txt.j2", source)

    [line] = faults(tmp_path)

    assert line.startswith(f"{tmp_path}/en/confirmation.txt.j2")
    assert fault in line
    assert "\n" not in line


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    override(tmp_path, "en/confirmation.txt.j2", "{{")
    override(tmp_path, "de/password_reset.html.j2", "{{ nobody }}")
    override(tmp_path, "FR/confirmation.txt.j2", "Bonjour")
    override(tmp_path, "it/confirmation.txt.j2", "Ciao")

    told = faults(tmp_path, "xx")

    assert [line.removeprefix(f"{tmp_path}/").partition(":")[0] for line in told] == [
        "BARONG_DEFAULT_LANGUAGE",
        "FR",
        "de/password_reset.html.j2, line 1",
        "en/confirmation.txt.j2, line 1",
        "it/confirmation.subject.j2",
        "it/confirmation.html.j2",
        "it/password_reset.subject.j2",
        "it/password_reset.txt.j2",
        "it/password_reset.html.j2",
        "it/codes_guessed.subject.j2",
        "it/codes_guessed.txt.j2",
        "it/codes_guessed.html.j2",
    ]


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path / "nowhere") == (
        f"BARONG_MAIL_TEMPLATES_DIR: There is no folder {tmp_path / 'nowhere'}.",
    )


def test_the_packaged_mails_have_no_faults_and_are_complete() -> None:
    mails, composer = build_composer(settings())

    assert {mail.name: composer.templates.languages(mail) for mail in mails} == {
        name: ["de", "en"] for name in MAILS
    }


@pytest.mark.parametrize(
    ("snapshot", "language"),
    [
        ({"language": "de"}, "de"),
        ({"language": ""}, ""),
        ({"language": 7}, ""),
        ({"data": json.dumps({"language": "de"})}, "de"),
        ({}, ""),
    ],
)
def test_the_language_is_in_the_snapshot(snapshot: Mapping[str, Any], language: str) -> None:
    assert chosen_language(replace(an_event(), snapshot=snapshot)) == language


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("curl/8.0 https://evil.example", ""),
        ("", ""),
    ],
)
def test_a_device_is_named_in_words_of_ours(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


def test_mails_may_have_languages_of_their_own(tmp_path: Path) -> None:
    only_english = replace(CONFIRMATION, languages=("en",))

    assert loaded("", "en", (only_english,)).language(only_english, "de") == "en"
    assert faults(tmp_path, "en", (replace(CONFIRMATION, languages=("de", "fr")),)) == (
        "mailer.yaml: confirmation: There is no folder of templates 'fr'.",
        "mailer.yaml: confirmation: It lacks the language 'en'.",
    )


def loaded(folder: str, language: str, mails: tuple[Mail, ...] = THREE) -> Templates:
    return load_templates(folder, mails, language, some_values)


def some_values(_mail: Mail, _language: str) -> Iterator[Mapping[str, str]]:
    yield VALUES


def faults(
    folder: Path, default_language: str = "en", mails: tuple[Mail, ...] = THREE
) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        loaded(str(folder), default_language, mails)
    return raised.value.faults


def override(folder: Path, name: str, source: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source.encode() if isinstance(source, str) else source)
