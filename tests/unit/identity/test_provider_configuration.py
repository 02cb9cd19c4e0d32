"""The file of OpenID providers: read as it is meant, or refused with every fault."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from identity_svc.openid_providers.configuration import MAX_PROVIDERS, read_providers
from identity_svc.openid_providers.models import Provider
from shared.settings import SettingsError

FRONT_END = "https://www.example.com"
ENTRY = {
    "name": "example",
    "label": " Example ",
    "issuer": "https://id.example.com/tenant",
    "client_id": "barong",
    "client_secret_env": "EXAMPLE_SECRET",
}


def read(folder: Path, document: Any, *, plain_http: bool = False) -> tuple[Provider, ...]:
    file = folder / "providers.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return read_providers(
        str(file), FRONT_END, plain_http=plain_http, environ={"EXAMPLE_SECRET": "a-secret"}
    )


def faults(folder: Path, document: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        read(folder, document)
    assert all(str(folder) in fault for fault in raised.value.faults)
    return raised.value.faults


def test_without_a_file_there_are_none() -> None:
    assert read_providers("", FRONT_END, plain_http=False) == ()


def test_a_provider_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, {"providers": [ENTRY]}) == (
        Provider(
            name="example",
            label="Example",
            issuer="https://id.example.com/tenant",
            client_id="barong",
            client_secret="a-secret",
            scopes=("openid", "email"),
            redirect_uri="https://www.example.com/account/log-in/provider/example",
            sign_up=True,
            link_by_email=True,
        ),
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n")
    entry = {
        **{name: value for name, value in ENTRY.items() if name != "client_secret_env"},
        "client_secret_file": str(secret),
        "issuer": "http://127.0.0.1:9000",
        "scopes": ["openid", "profile"],
        "redirect_uri": "https://app.example.com/back",
        "sign_up": False,
        "link_by_email": False,
    }
    [provider] = read(tmp_path, {"providers": [entry]}, plain_http=True)
    assert (provider.client_secret, provider.scopes) == ("from-a-file", ("openid", "profile"))
    assert provider.redirect_uri == "https://app.example.com/back"
    assert (provider.sign_up, provider.link_by_email) == (False, False)
    assert "from-a-file" not in repr(provider)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "Example!"}, "`name` has to be"),
        ({"name": None}, "`name` has to be"),
        ({"label": ""}, "`label` has to be"),
        ({"label": "two\nlines"}, "`label` has to be"),
        ({"client_id": 17}, "`client_id` has to be"),
        ({"issuer": "http://id.example.com"}, "`issuer` has to be an https address"),
        ({"issuer": "https://id.example.com?x"}, "`issuer` has to be"),
        ({"issuer": "https://me:secret@id.example.com"}, "`issuer` has to be"),
        ({"issuer": "https://"}, "`issuer` has to be"),
        ({"issuer": ["https://id.example.com"]}, "`issuer` has to be"),
        ({"redirect_uri": "javascript:alert(1)"}, "`redirect_uri` has to be"),
        ({"scopes": "openid"}, "`scopes` has to be"),
        ({"scopes": ["email"]}, "`scopes` has to be"),
        ({"scopes": ["openid", 'a"b']}, "`scopes` has to be"),
        ({"sign_up": "yes, please"}, "`sign_up` has to be true or false"),
        ({"colour": "red"}, "unknown: colour"),
        ({"client_secret_env": "NOT_SET"}, "the environment variable NOT_SET is not set"),
        ({"client_secret_env": "not a name"}, "has to name an environment variable"),
        ({"client_secret_file": "/nowhere"}, "either `client_secret_env`"),
    ],
)
def test_a_fault_is_told(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    told = faults(tmp_path, {"providers": [{**ENTRY, **changes}]})
    assert any(fault in each for each in told), told
    assert not any("a-secret" in each for each in told)


@pytest.mark.parametrize("name", ["label", "issuer", "client_id", "client_secret_env"])
def test_what_is_missing_is_told(tmp_path: Path, name: str) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != name}
    [fault] = faults(tmp_path, {"providers": [entry]})
    assert name in fault


@pytest.mark.parametrize("content", [b"\n", b"two\nlines", b"x" * 5000, b"\xff"])
def test_a_file_that_holds_no_secret_is_told(tmp_path: Path, content: bytes) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    entry = {name: value for name, value in ENTRY.items() if name != "client_secret_env"}
    faults(tmp_path, {"providers": [{**entry, "client_secret_file": str(secret)}]})
    faults(tmp_path, {"providers": [{**entry, "client_secret_file": str(tmp_path / "none")}]})


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    told = faults(tmp_path, {"providers": [{**ENTRY, "label": ""}, {**ENTRY, "scopes": []}, 17]})
    assert len(told) == 3


def test_names_and_issuers_are_there_once(tmp_path: Path) -> None:
    told = faults(tmp_path, {"providers": [ENTRY, ENTRY]})
    assert [each.partition(": ")[2] for each in told] == [
        "example is there twice",
        "the issuer https://id.example.com/tenant is there twice",
    ]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "- a list",
        "providers: []",
        "providers: {a: b}",
        "providers: [*nowhere]",
        "other: 1",
        {"providers": [ENTRY], "besides": 1},
        {"providers": [ENTRY] * (MAX_PROVIDERS + 1)},
        "x" * 70_000,
    ],
    ids=range(9),
)
def test_what_is_no_list_of_providers_is_refused(tmp_path: Path, document: Any) -> None:
    assert len(faults(tmp_path, document)) == 1


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        read_providers(str(tmp_path / "none.yaml"), FRONT_END, plain_http=False)
