"""Every text of the pages has a translation, every template compiles, every code has a sentence."""

import json
from importlib import resources
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from console_svc.pages.api import ApiRefusal
from console_svc.pages.languages import PACKAGED, Languages
from console_svc.pages.messages import is_translated, texts, update
from console_svc.pages.rendering import Renderer
from console_svc.pages.sentences import SENTENCES, of
from console_svc.pages.static import StaticFiles

DOCUMENT = json.loads((resources.files("authz_gateway.api_document") / "openapi.json").read_text())
CATALOGUES = sorted(PACKAGED.glob("*.po"))
UNSEEN = {
    # No page sends what these are about.
    *("identity.captcha.geetest_not_configured", "identity.session.invalid_captcha_format"),
    *("admin.user.empty_uid", "admin.user.missing_uid", "admin.user.one_of_state_otp"),
    *("admin.user.empty_otp", "data.invalid_format", "data.too_long", "kid.blank"),
    *("metadata.invalid_format", "metadata.too_long", "admin.profile.missing_uid"),
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
    ("/admin/users", "put"),
    ("/admin/profiles", "put"),
    ("/admin/users/role", "post"),
    ("/admin/users/email", "put"),
    ("/admin/users/sessions", "delete"),
    ("/admin/restrictions/check", "get"),
)


@pytest.mark.parametrize(("path", "method"), FORMS)
def test_every_code_of_a_form_has_a_sentence(path: str, method: str) -> None:
    codes = codes_of(path, method)
    assert codes, "the document names codes"
    unknown = {
        code
        for code in codes - UNSEEN
        if code not in SENTENCES and code.rpartition(".")[0] not in SENTENCES
    }
    assert unknown == set()
