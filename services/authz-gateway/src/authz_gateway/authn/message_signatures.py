"""HTTP Message Signatures (RFC 9421): parses a request's signature and makes its signature base.

This module implements the standard. `api_keys` decides what a signature must cover, and when.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

import http_sf
from cryptography import exceptions
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from multidict import MultiMapping

from authz_gateway.authn.errors import (
    InvalidComponent,
    InvalidSignature,
    InvalidSignatureInput,
)
from authz_gateway.http.headers import members_of

INPUT, SIGNATURE = "Signature-Input", "Signature"
TAG = "barong"
"""The `tag` of the signature for the gateway, when a request has several."""

MAX_INPUT_CHARACTERS = 4096
"""Largest size of Signature-Input and of Signature, all lines of each together."""

MAX_COMPONENTS = 64

_MAX_QUERY_PARAMETERS = 1000
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_TYPES: Mapping[str, type] = {
    "created": int,
    "expires": int,
    "nonce": str,
    "alg": str,
    "keyid": str,
    "tag": str,
}
"""The signature parameters of RFC 9421, 2.3, with their types as structured fields."""


class SignedRequest(NamedTuple):
    """A request as the client sent it, for the values of covered components.

    `target`: path and query of the request line. `authority`: not normalized.
    """

    method: str
    scheme: str
    authority: str
    target: str
    headers: MultiMapping[str]


class Component(NamedTuple):
    """A covered component, with the parameters of its identifier."""

    name: str
    parameters: Mapping[str, Any]


class MessageSignature(NamedTuple):
    """One signature."""

    components: tuple[Component, ...]
    parameters: Mapping[str, int | str]
    signature: bytes

    def covers(self, name: str) -> bool:
        """Whether the component of this name is covered, without parameters."""
        return any(each.name == name and not each.parameters for each in self.components)


def carries_signature(headers: MultiMapping[str]) -> bool:
    """Whether a request has Signature-Input or Signature."""
    return INPUT in headers or SIGNATURE in headers


def read_signature(headers: MultiMapping[str]) -> MessageSignature:
    """The signature for the gateway: the only one, or the one with our `tag` among several.

    Raises `InvalidSignatureInput`, or `InvalidComponent` for repeated or too many components.
    """
    inputs, signatures = _dictionary(headers, INPUT), _dictionary(headers, SIGNATURE)
    label = _label(inputs)
    members, parameters = inputs[label]
    if not isinstance(members, list) or not _well_typed(parameters):
        raise InvalidSignatureInput
    if label not in signatures or not isinstance(signatures[label][0], bytes):
        raise InvalidSignatureInput
    if len(members) > MAX_COMPONENTS:
        raise InvalidComponent
    components = tuple(Component(*member) for member in members)
    identities = {(each.name, frozenset(each.parameters.items())) for each in components}
    if len(identities) < len(components):
        raise InvalidComponent
    return MessageSignature(components, parameters, signatures[label][0])


def _dictionary(headers: MultiMapping[str], name: str) -> dict[str, Any]:
    value = ", ".join(headers.getall(name, []))
    if not value.isascii() or len(value) > MAX_INPUT_CHARACTERS:
        raise InvalidSignatureInput
    try:
        parsed: Any = http_sf.parse(
            value.encode(), tltype="dictionary", on_duplicate_key=_refuse_duplicate
        )
    except (ValueError, OverflowError):
        raise InvalidSignatureInput from None
    if not parsed:
        raise InvalidSignatureInput
    members: dict[str, Any] = parsed
    return members


def _refuse_duplicate(_key: str, _context: str) -> None:
    """Refuses repeated names: some parsers take the first value, others the last."""
    raise InvalidSignatureInput


def _label(inputs: Mapping[str, Any]) -> str:
    ours = [label for label, (_, parameters) in inputs.items() if parameters.get("tag") == TAG]
    if len(inputs) == 1 and not ours and "tag" not in next(iter(inputs.values()))[1]:
        return next(iter(inputs))
    if len(ours) != 1:
        raise InvalidSignatureInput
    return ours[0]


def _well_typed(parameters: Mapping[str, Any]) -> bool:
    return all(type(value) is _TYPES.get(name) for name, value in parameters.items())


def signature_base(signature: MessageSignature, request: SignedRequest) -> bytes:
    """The signature base (2.5); raises `InvalidComponent` for a component that is missing."""
    lines, identifiers = [], []
    for component in signature.components:
        value = _value(component, request)
        if not _VALUE.fullmatch(value):
            raise InvalidComponent
        identifier = _identifier(component)
        identifiers.append(identifier)
        lines.append(f"{identifier}: {value}")
    parameters = "".join(f";{name}={_bare(v)}" for name, v in signature.parameters.items())
    lines.append(f'"@signature-params": ({" ".join(identifiers)}){parameters}')
    return "\n".join(lines).encode("ascii")


def _identifier(component: Component) -> str:
    """The identifier as a structured field. A component with a value has a name without escapes."""
    if not component.parameters:
        return f'"{component.name}"'
    return http_sf.ser((component.name, dict(component.parameters)))


def _bare(value: int | str) -> str:
    """A bare item: RFC 9651, 4.1.4 and 4.1.6. `http_sf` takes ten times as long."""
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _value(component: Component, request: SignedRequest) -> str:
    name, parameters = component
    if type(name) is not str:
        raise InvalidComponent
    if name == "@query-param":
        return _query_parameter(parameters, request)
    if parameters:  # sf, key, bs, req and tr, which are not supported
        raise InvalidComponent
    derive = _DERIVED.get(name)
    if derive is not None:
        return derive(request)
    if not _FIELD_NAME.fullmatch(name) or name not in request.headers:
        raise InvalidComponent
    if name in _hop_by_hop(request.headers):
        raise InvalidComponent
    return ", ".join(value.strip(" \t") for value in request.headers.getall(name))


def _hop_by_hop(headers: MultiMapping[str]) -> frozenset[str]:
    """The fields that Connection lists: they are not forwarded.

    Any proxy on the way may add names to Connection. The upstream would then miss a signed field,
    although the signature is valid.
    """
    return members_of(headers.getall("Connection", ()))


def _query_parameter(parameters: Mapping[str, Any], request: SignedRequest) -> str:
    """A parameter that occurs once in the query, encoded again: RFC 9421, 2.2.8."""
    name = parameters.get("name")
    if len(parameters) != 1 or type(name) is not str:
        raise InvalidComponent
    try:
        pairs = parse_qsl(
            request.target.partition("?")[2],
            keep_blank_values=True,
            max_num_fields=_MAX_QUERY_PARAMETERS,
        )
    except ValueError:
        raise InvalidComponent from None
    values = [value for key, value in pairs if key == unquote(name)]
    if len(values) != 1:
        raise InvalidComponent
    return quote(values[0], safe="*").replace("~", "%7E")


def _authority(request: SignedRequest) -> str:
    """The authority in lower case, without the scheme's default port: RFC 9421, 2.2.3."""
    authority = request.authority.lower()
    host, colon, port = authority.rpartition(":")
    default = {"http": "80", "https": "443"}.get(request.scheme)
    if colon and (port in ("", default)):
        authority = host
    if not authority:
        raise InvalidComponent
    return authority


_DERIVED: Mapping[str, Callable[[SignedRequest], str]] = {
    "@method": lambda request: request.method,
    "@scheme": lambda request: request.scheme,
    "@authority": _authority,
    "@target-uri": lambda request: f"{request.scheme}://{_authority(request)}{request.target}",
    "@request-target": lambda request: request.target,
    "@path": lambda request: request.target.partition("?")[0],
    "@query": lambda request: f"?{request.target.partition('?')[2]}",
}
"""Derived components: RFC 9421, 2.2."""


def require_hmac_sha256(secret: bytes, base: bytes, signature: bytes) -> None:
    """Verifies hmac-sha256 (RFC 9421, 3.3.3); raises `InvalidSignature`."""
    if not hmac.compare_digest(hmac.digest(secret, base, "sha256"), signature):
        raise InvalidSignature


def require_ed25519(public_key: bytes, base: bytes, signature: bytes) -> None:
    """Verifies ed25519 (RFC 9421, 3.3.6); raises `InvalidSignature`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, base)
    except exceptions.InvalidSignature:
        raise InvalidSignature from None
