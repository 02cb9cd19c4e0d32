"""Which claims about a user a client gets: by scope, and by the parameter `claims`.

The table of docs/consumers/oauth.md shows from where each comes.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oauth_svc.protocol.errors import INVALID_REQUEST, OAuthError

OPENID, PROFILE, EMAIL, ADDRESS, PHONE = "openid", "profile", "email", "address", "phone"
OFFLINE_ACCESS = "offline_access"
STANDARD_SCOPES = (OPENID, PROFILE, EMAIL, ADDRESS, PHONE, OFFLINE_ACCESS)

BY_SCOPE: Mapping[str, tuple[str, ...]] = {
    PROFILE: ("name", "given_name", "family_name", "birthdate", "locale", "updated_at"),
    EMAIL: ("email", "email_verified"),
    ADDRESS: ("address",),
    PHONE: ("phone_number", "phone_number_verified"),
}
"""OpenID Connect Core 1.0, 5.4."""

CLAIMS = tuple(claim for claims in BY_SCOPE.values() for claim in claims)
_MAX_MEMBERS = 50
_UNSTORABLE = re.compile(r"[\ud800-\udfff]|\\u0000")
"""Surrogates, which UTF-8 cannot write, and NUL as JSON escapes it: PostgreSQL stores neither."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What the parameter `claims` asks for (Core, 5.5).

    `acr` are the values of an essential `acr`; `sub` is the one user that will do.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    sub: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "id_token": list(self.id_token),
            "userinfo": list(self.userinfo),
            "acr": list(self.acr),
            "sub": self.sub,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ClaimsRequest":
        """What is stored."""
        return cls(
            tuple(stored["id_token"]),
            tuple(stored["userinfo"]),
            tuple(stored["acr"]),
            stored["sub"],
        )


def parse_claims(text: str | None) -> ClaimsRequest:
    """The parameter `claims`; unknown claims are ignored. Raises `OAuthError`."""
    if text is None:
        return ClaimsRequest()
    try:
        asked = json.loads(text)
        written = json.dumps(asked, ensure_ascii=False)
    except (ValueError, RecursionError):
        asked, written = None, ""
    if not isinstance(asked, dict):
        raise OAuthError(INVALID_REQUEST, "claims is not a JSON object.")
    if _UNSTORABLE.search(written):
        raise OAuthError(INVALID_REQUEST, "claims has a character that no text may have.")
    id_token, userinfo = _section(asked, "id_token"), _section(asked, "userinfo")
    return ClaimsRequest(
        id_token=tuple(name for name in CLAIMS if name in id_token),
        userinfo=tuple(name for name in CLAIMS if name in userinfo),
        acr=_essential(id_token.get("acr")),
        sub=_value(id_token.get("sub")) or _value(userinfo.get("sub")),
    )


def _section(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = asked.get(name) or {}
    if not isinstance(section, dict) or len(section) > _MAX_MEMBERS:
        raise OAuthError(INVALID_REQUEST, f"{name} of claims is not an object of claims.")
    return section


def _value(member: Any) -> str | None:
    value = member.get("value") if isinstance(member, dict) else None
    return value if isinstance(value, str) else None


def _essential(member: Any) -> tuple[str, ...]:
    if not isinstance(member, dict) or member.get("essential") is not True:
        return ()
    values = member.get("values", [member.get("value")])
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values[:_MAX_MEMBERS] if isinstance(value, str))


def names_for(scopes: Collection[str], asked: Sequence[str]) -> tuple[str, ...]:
    """The claims that these scopes, and an explicit request, give."""
    by_scope = {name for scope in scopes for name in BY_SCOPE.get(scope, ())}
    return tuple(name for name in CLAIMS if name in by_scope or name in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the services know about a user, from which claims are made."""

    email: str
    level: int
    language: str
    updated_at: int
    profile: Mapping[str, Any] = field(default_factory=dict)
    """The newest profile, in any state but rejected; empty without one."""
    phone: str | None = None
    """The newest verified phone."""


def claims_of(person: Person, names: Collection[str]) -> dict[str, Any]:
    """The claims with these names about a person; what is unknown is left out (Core, 5.3.2)."""
    profile = person.profile
    first, last = profile.get("first_name"), profile.get("last_name")
    known: dict[str, Any] = {
        "name": " ".join(part for part in (first, last) if part) or None,
        "given_name": first,
        "family_name": last,
        "birthdate": profile.get("dob"),
        "locale": person.language or None,
        "updated_at": person.updated_at,
        "email": person.email,
        "email_verified": person.level > 0,
        "address": _address(profile),
        "phone_number": person.phone,
        "phone_number_verified": True if person.phone else None,
    }
    return {name: known[name] for name in names if known[name] is not None}


def _address(profile: Mapping[str, Any]) -> dict[str, str] | None:
    found = {
        "street_address": profile.get("address"),
        "locality": profile.get("city"),
        "postal_code": profile.get("postcode"),
        "country": profile.get("country"),
    }
    return {name: value for name, value in found.items() if value} or None
