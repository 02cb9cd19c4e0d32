"""Every text of the pages has a translation, every template compiles, every code has a sentence."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po

from console_svc.directory import handlers as directory
from console_svc.pages.api import ApiRefusal
from console_svc.pages.languages import PACKAGED, Languages
from console_svc.pages.messages import is_translated, texts, update
from console_svc.pages.rendering import Renderer
from console_svc.pages.sentences import SENTENCES, of
from console_svc.pages.static import StaticFiles
from console_svc.pages.terms import text_of
from console_svc.policy import handlers as policy
from console_svc.routes import PAGES
from console_svc.site import STAFF
from identity_svc.activities import models as activities
from shared.contracts.activities import RESULTS
from tests.support.system import ROOT

DOCUMENT = json.loads((resources.files("authz_gateway.api_document") / "openapi.json").read_text())
CATALOGUES = sorted(PACKAGED.glob("*.po"))
UNSEEN = {
    # No page sends what these are about.
    *("identity.captcha.geetest_not_configured", "identity.session.invalid_captcha_format"),
    *("admin.user.empty_uid", "admin.user.missing_uid", "admin.user.one_of_state_otp"),
    *("admin.user.empty_otp", "data.invalid_format", "data.too_long", "kid.blank"),
    *("metadata.invalid_format", "metadata.too_long", "admin.profile.missing_uid"),
    # Pages send numbers and cursors of their own, and these fields always, or with a text only.
    *("invalid_limit", "non_integer_limit", "non_integer_page", "non_positive_page"),
    *("admin.user.invalid_cursor", "admin.user.non_boolean_extended"),
    *("admin.activity.invalid_cursor", "admin.activity.invalid_format"),
    *("admin.apikey.empty_uid", "admin.apikey.missing_uid", "admin.user.empty_description"),
    *("admin.user.non_boolean_replace", "admin.permissions.invalid_rules"),
    *("admin.permission.missing_path", "admin.permission.missing_role"),
    *("admin.permission.missing_verb", "admin.permission.missing_action"),
    *("admin.permission.empty_topic", "admin.webhook.missing_id"),
    *("admin.dead_letter.empty_id", "admin.dead_letter.empty_queue"),
    *("admin.dead_letter.missing_id", "admin.dead_letter.non_boolean_all"),
    *("resource.user.empty_topic", "resource.user.missing_topic", "resource.user.wrong_topic"),
    # The log-in page refuses a log-in, and nothing else of these.
    *("oauth.challenge.csrf_token_mismatch", "oauth.challenge.invalid_action"),
    *("oauth.challenge.invalid_kind", "oauth.challenge.login_required"),
    *("oauth.challenge.missing_action", "oauth.challenge.missing_id"),
    *("oauth.challenge.missing_kind", "oauth.challenge.no_consent_asked"),
    # What a page cannot keep of the language is tried again at the next choice, without a word.
    *("resource.user.empty_data", "resource.user.missing_data"),
}


def message_ids() -> set[str]:
    return {text if isinstance(text, str) else text[0] for _, _, text in texts()}


def test_german_is_there() -> None:
    assert [file.stem for file in CATALOGUES] == ["de"]
    assert len(message_ids()) > 300


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_text_is_translated_and_none_is_left_over(file: Path) -> None:
    with file.open("rb") as source:
        catalogue = read_po(source)
    known = {(m.id if isinstance(m.id, str) else m.id[0]): m for m in catalogue if m.id}
    assert known.keys() == message_ids()
    assert [text for text, message in known.items() if not is_translated(message)] == []


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_translations_have_the_same_placeholders(file: Path) -> None:
    with file.open("rb") as source:
        faults = [fault for _, found in read_po(source).check() for fault in found]
    assert faults == []


def test_a_catalogue_is_written_and_keeps_its_translations(tmp_path: Path) -> None:
    update(str(tmp_path), "fr")
    file = tmp_path / "fr.po"
    written = file.read_text()
    file.write_text(
        written.replace('msgid "Log in"\nmsgstr ""', 'msgid "Log in"\nmsgstr "Connexion"')
        + '\nmsgid "No page has this"\nmsgstr "x"\n'
    )
    update(str(tmp_path), None)
    again = file.read_text()
    assert 'msgstr "Connexion"' in again
    assert "No page has this" not in again


def test_every_template_compiles() -> None:
    renderer = Renderer(Languages.read("", "en"), StaticFiles.read(""), "Barong")
    for environment in renderer._environments.values():  # noqa: SLF001 - no page shows all of them
        names = environment.list_templates()
        assert len(names) > 30
        for name in names:
            environment.get_template(name)


def test_an_unknown_code_is_shown_as_it_is() -> None:
    english = Languages.read("", "en").by_code["en"]
    assert of(english, ApiRefusal(422, ["a.new.code"])) == ["The server refused this (a.new.code)."]
    assert of(english, ApiRefusal(404, [])) == ["There is no such record."]


def codes_of(path: str, method: str) -> set[str]:
    """The codes that the API document has for an operation."""
    return {
        code
        for answer in DOCUMENT["paths"][path][method]["responses"].values()
        for media in answer.get("content", {}).values()
        for example in media.get("examples", {}).values()
        for code in example["value"].get("errors", ())
    }


FORMS = (
    ("/identity/users", "post"),
    ("/identity/sessions", "post"),
    ("/identity/users/email/confirm_code", "post"),
    ("/identity/users/password/confirm_code", "post"),
    ("/resource/sessions/verify", "post"),
    ("/resource/users/email", "post"),
    ("/identity/users/email/change", "post"),
    ("/identity/users/email/reversal", "post"),
    ("/resource/users/password", "put"),
    ("/resource/phones", "post"),
    ("/resource/phones/verify", "post"),
    ("/resource/otp/enable", "post"),
    ("/resource/otp/disable", "post"),
    ("/resource/otp/recovery_codes", "post"),
    ("/resource/passkeys", "post"),
    ("/resource/passkeys/options", "post"),
    ("/resource/passkeys/{id}", "patch"),
    ("/resource/passkeys/{id}", "delete"),
    ("/identity/sessions/passkey", "post"),
    ("/identity/sessions/mail/request", "post"),
    ("/identity/sessions/mail", "post"),
    ("/resource/trusted_devices/{id}", "delete"),
    ("/identity/sessions/provider/request", "post"),
    ("/identity/sessions/provider", "post"),
    ("/resource/linked_accounts", "post"),
    ("/resource/linked_accounts/request", "post"),
    ("/resource/linked_accounts/{id}", "delete"),
    ("/resource/consents/{client_id}", "delete"),
    ("/resource/api_keys", "post"),
    ("/resource/documents", "post"),
    ("/resource/profiles", "post"),
    ("/resource/users/me", "delete"),
    ("/identity/users/access", "post"),
    ("/identity/users/email/generate_code", "post"),
    ("/identity/users/password/generate_code", "post"),
    ("/identity/oauth/challenges/{id}", "get"),
    ("/identity/oauth/challenges/{id}", "post"),
    ("/resource/sessions/verify/passkey", "post"),
    ("/resource/sessions/verify/passkey/options", "post"),
    ("/resource/phones/send_code", "post"),
    ("/resource/phones", "delete"),
    ("/resource/otp/generate_qrcode", "post"),
    ("/resource/profiles", "put"),
    ("/resource/sessions", "get"),
    ("/resource/sessions/{id}", "delete"),
    ("/resource/consents", "get"),
    ("/resource/users/activity/{topic}", "get"),
    ("/resource/users/me", "put"),
    ("/resource/api_keys", "get"),
    ("/resource/api_keys/{kid}", "patch"),
    ("/resource/api_keys/{kid}", "delete"),
    # Beside what the console is made of, on the page of a user.
    ("/admin/users/sessions", "get"),
    ("/admin/api_keys", "get"),
    ("/admin/permissions/check", "get"),
)


def documented(path: str) -> str:
    """The path in the document, which has names of its own for the variable parts."""
    shape = re.sub(r"\{\w+\}", "{}", f"/{path}")
    paths: list[str] = list(DOCUMENT["paths"])
    return next(each for each in paths if re.sub(r"\{\w+\}", "{}", each) == shape)


def calls_of_the_console() -> set[tuple[str, str]]:
    """The operations that the table of pages names."""
    named = [("get", path) for page in PAGES for path in page.reads]
    named += [
        (verb.lower(), path) for verb, _, path in (page.sends.partition(" ") for page in PAGES)
    ]
    return {(documented(path), verb) for verb, path in named if path}


CONSOLE = sorted(calls_of_the_console())


def test_forms_of_the_console_name_what_they_send() -> None:
    for page in PAGES:
        if page.visitors is STAFF:
            assert bool(page.sends) is (page.submit is not None), page.path
    assert len(CONSOLE) > 25


@pytest.mark.parametrize(("path", "method"), CONSOLE)
def test_every_code_of_the_console_has_a_sentence(path: str, method: str) -> None:
    assert unknown_codes(path, method) == set()


@pytest.mark.parametrize(("path", "method"), FORMS)
def test_every_code_of_a_form_has_a_sentence(path: str, method: str) -> None:
    assert codes_of(path, method), "the document names codes"
    assert unknown_codes(path, method) == set()


def unknown_codes(path: str, method: str) -> set[str]:
    """The codes of an operation that a page can cause, and that have no sentence."""
    return {
        code
        for code in codes_of(path, method) - UNSEEN
        if code not in SENTENCES and code.rpartition(".")[0] not in SENTENCES
    }


def words_of_the_api() -> set[str]:
    """The words that the API knows by itself, and that pages show."""
    actions = {each for each in vars(activities).values() if isinstance(each, activities.Action)}
    rules = yaml.safe_load((ROOT / "deploy" / "config" / "permissions.yaml").read_text())
    roles = {role for rule in rules for role in as_list(rule["role"])}
    of_staff = {
        match[1] for path in DOCUMENT["paths"] if (match := re.match(r"/admin/(\w+)", path))
    }
    assert len(actions) > 20
    assert len(of_staff) > 10
    return {
        *(word for action in actions for word in action),
        *(roles | of_staff | {"general", "create", "update", "delete", "read", "system"}),
        *(*policy.CATEGORIES, *policy.SCOPES, *directory.STATES, *RESULTS, "private", "public"),
    }


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_every_word_of_the_api_has_a_text() -> None:
    assert {word for word in words_of_the_api() if not text_of(word)} == set()
