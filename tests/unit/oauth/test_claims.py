"""The parameter `claims`, and claims about people."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_svc.protocol.claims import (
    CLAIMS,
    ClaimsRequest,
    Person,
    claims_of,
    names_for,
    parse_claims,
)
from oauth_svc.protocol.errors import OAuthError


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ClaimsRequest()),
        ({"unknown": 1}, ClaimsRequest()),
        ({"id_token": None}, ClaimsRequest()),
        ({"id_token": {"email": None, "x": {}}}, ClaimsRequest(id_token=("email",))),
        ({"userinfo": {"name": {"essential": True}}}, ClaimsRequest(userinfo=("name",))),
        ({"id_token": {"acr": {"values": ["aal2"]}}}, ClaimsRequest()),
        (
            {"id_token": {"acr": {"essential": True, "values": ["aal2", 7]}}},
            ClaimsRequest(acr=("aal2",)),
        ),
        ({"id_token": {"acr": {"essential": True, "value": "aal2"}}}, ClaimsRequest(acr=("aal2",))),
        ({"id_token": {"acr": {"essential": "yes", "value": "a"}}}, ClaimsRequest()),
        ({"id_token": {"acr": {"essential": True, "values": 7}}}, ClaimsRequest()),
        ({"id_token": {"sub": {"value": "u"}}}, ClaimsRequest(sub="u")),
        ({"userinfo": {"sub": {"value": "u"}}}, ClaimsRequest(sub="u")),
        ({"id_token": {"sub": {"value": 7}}}, ClaimsRequest()),
    ],
)
def test_what_is_asked_for(asked: dict[str, Any], expected: ClaimsRequest) -> None:
    assert parse_claims(json.dumps(asked)) == expected
    assert ClaimsRequest.of(expected.to_json()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "7",
        "null",
        '{"id_token": 7}',
        '{"id_token": []} x',
        "[" * 4000,
        '{"a":' * 800,
        json.dumps({"id_token": {str(number): None for number in range(51)}}),
        # JSON can write what UTF-8 and PostgreSQL cannot.
        r'{"id_token": {"sub": {"value": "\u0000"}}}',
        r'{"userinfo": {"sub": {"value": "\ud800"}}}',
        r'{"id_token": {"acr": {"essential": true, "value": "\udfff"}}}',
        r'{"id_token": {"acr": {"essential": true, "values": ["a", "\u0000"]}}}',
    ],
)
def test_what_is_no_request_for_claims_is_refused(text: str) -> None:
    with pytest.raises(OAuthError) as refused:
        parse_claims(text)

    assert refused.value.error == "invalid_request"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_claims(text)
    except OAuthError:
        return
    assert set(found.id_token) | set(found.userinfo) <= set(CLAIMS)


@pytest.mark.parametrize(
    ("scopes", "asked", "names"),
    [
        (["openid"], (), ()),
        (["openid", "email"], (), ("email", "email_verified")),
        (["openid"], ("phone_number",), ("phone_number",)),
        (["orders"], (), ()),
    ],
)
def test_scopes_and_requests_name_claims(
    scopes: list[str], asked: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert names_for(scopes, asked) == names


def test_what_is_unknown_is_left_out() -> None:
    person = Person(email="a@example.com", level=0, language="", updated_at=7)

    assert claims_of(person, CLAIMS) == {
        "email": "a@example.com",
        "email_verified": False,
        "updated_at": 7,
    }


def test_a_person_with_everything() -> None:
    person = Person(
        email="a@example.com",
        level=3,
        language="de",
        updated_at=7,
        profile={
            "first_name": "Ada",
            "last_name": None,
            "dob": "1990-01-01",
            "address": "A street 1",
            "city": "",
            "postcode": "12345",
            "country": "DE",
        },
        phone="+491701234567",
    )

    assert claims_of(person, CLAIMS) == {
        "name": "Ada",
        "given_name": "Ada",
        "birthdate": "1990-01-01",
        "locale": "de",
        "updated_at": 7,
        "email": "a@example.com",
        "email_verified": True,
        "address": {"street_address": "A street 1", "postal_code": "12345", "country": "DE"},
        "phone_number": "+491701234567",
        "phone_number_verified": True,
    }
