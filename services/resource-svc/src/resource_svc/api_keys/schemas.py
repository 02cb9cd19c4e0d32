"""What comes in to the operations on API keys."""

from dataclasses import dataclass
from typing import Any

from resource_svc.api_keys.public_key import MAX_CHARACTERS
from shared.declared import declared
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Code, Parameter, Text
from shared.web.pagination import PageForm

_NO_CODE = "resource.apikey.empty_totp_code"


class _Scope(Parameter):
    """Comma separated scopes, or a list of them in JSON; each once, in their order."""

    def __init__(self) -> None:
        super().__init__(empty="resource.apikey.empty_scope", invalid="scope.invalid")

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        return super().deserialize("" if value == [] else value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise self.refuse()
        return list(dict.fromkeys(word.strip() for word in words))

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "array"], "items": {"type": "string"}}


def _text(missing: tuple[str, ...], empty: str | None) -> Text:
    return Text(missing=missing, empty=empty, maximum=MAX_BODY_BYTES)


def _code(missing: str) -> Code:
    return Code(missing=(missing, _NO_CODE), empty=_NO_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKeyForm:
    """POST /api_keys; `kid` is ignored: the service makes one.

    `public_key` is that of an `ed25519` key: PEM (SubjectPublicKeyInfo), or 32 bytes in base64url.
    """

    algorithm: str = declared(
        _text(
            ("resource.apikey.missing_algorithm", "resource.apikey.empty_algorithm"),
            "resource.apikey.empty_algorithm",
        )
    )
    kid: str | None = declared(_text((), None), None)
    public_key: str | None = declared(
        Text(invalid="public_key.invalid", maximum=MAX_CHARACTERS, lines=True), None
    )
    scope: list[str] = declared(_Scope(), ())
    totp_code: str = declared(_code("resource.api_key.missing_totp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeApiKeyForm:
    """PATCH /api_keys/{kid}; what is absent stays as it is."""

    kid: str = declared(_text((), None))
    scope: list[str] | None = declared(_Scope(), None)
    state: str | None = declared(_text((), "resource.apikey.empty_state"), None)
    totp_code: str = declared(_code("resource.apikey.missing_totp_code"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApiKeyForm:
    """DELETE /api_keys/{kid}."""

    kid: str = declared(_text((), None))
    totp_code: str = declared(_code("resource.apikey.missing_totp_code"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnyApiKeysForm(PageForm):
    """GET /users/{uid}/api_keys, of the internal API."""

    uid: str = declared(_text((), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndApiKeysForm:
    """DELETE /users/{uid}/api_keys, of the internal API."""

    uid: str = declared(_text((), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class FindApiKeyForm:
    """GET /api_keys/{kid}, of the internal API."""

    kid: str = declared(_text((), None))
