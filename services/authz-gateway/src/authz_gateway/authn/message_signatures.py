"""HTTP Message Signatures (RFC 9421): reads a signature of a request, and what it was made over.

This module knows the standard. What a call must cover, and when, `api_keys` decides.
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

INPUT, SIGNATURE = "Signature-Input", "Signature"
TAG = "barong"
"""Which of several signatures is meant for us: the one with this `tag`."""

MAX_INPUT_CHARACTERS = 4096
"""Of Signature-Input and of Signature, each with all its lines."""

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
"""The signature parameters of the standard (2.3), and which type of structured field each is."""


class SignedRequest(NamedTuple):
    """What a signature may cover, as the client sent it.

    `target` is that of the request line, path and query; `authority` is not normalized.
    """

    method: str
    scheme: str
    authority: str
    target: str
    headers: MultiMapping[str]


class Component(NamedTuple):
    """A component that is covered; `parameters` are those of its identifier."""

    name: str
    parameters: Mapping[str, Any]


class MessageSignature(NamedTuple):
    """One signature."""

    components: tuple[Component, ...]
    parameters: Mapping[str, int | str]
    signature: bytes

    def covers(self, name: str) -> bool:
        """Whether the component of this name is covered as it is, without parameters."""
        return any(each.name == name and not each.parameters for each in self.components)


def carries_signature(headers: MultiMapping[str]) -> bool:
    """Whether a request brings a message signature, or what looks like half of one."""
    return INPUT in headers or SIGNATURE in headers


def read_signature(headers: MultiMapping[str]) -> MessageSignature:
    """The signature that is meant for us: the only one, or of several the one with our `tag`.

    Raises `InvalidSignatureInput`, or `InvalidComponent` for components that nothing can be.
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
    """Of two members or parameters with one name the last would count, elsewhere the first."""
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
    """The bytes that were signed (2.5); raises `InvalidComponent` for what the request lacks."""
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
    """As a structured field, of a component that has a value: its name needs no escapes."""
    if not component.parameters:
        return f'"{component.name}"'
    return http_sf.ser((component.name, dict(component.parameters)))


def _bare(value: int | str) -> str:
    """RFC 9651, 4.1.4 and 4.1.6. `http_sf` does the same in ten times the time."""
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
    if parameters:  # of fields sf, key, bs, req and tr, which we do not offer
        raise InvalidComponent
    derive = _DERIVED.get(name)
    if derive is not None:
        return derive(request)
    if not _FIELD_NAME.fullmatch(name) or name not in request.headers:
        raise InvalidComponent
    if name in _hop_by_hop(request.headers):
        raise InvalidComponent
    return ", ".join(value.strip(" \t") for value in request.headers.getall(name))


def _hop_by_hop(headers: MultiMapping[str]) -> set[str]:
    """The fields that go no further, which anybody on the way may add names to.

    Upstream such a field would be missing, though the signature holds.
    """
    lines = headers.getall("Connection", [])
    return {name.strip(" \t").lower() for line in lines for name in line.split(",")}


def _query_parameter(parameters: Mapping[str, Any], request: SignedRequest) -> str:
    """RFC 9421, 2.2.8: a parameter that stands in the query once, encoded anew."""
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
    """RFC 9421, 2.2.3: in lower case, without the port that the scheme implies."""
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
"""RFC 9421, 2.2."""


def require_hmac_sha256(secret: bytes, base: bytes, signature: bytes) -> None:
    """RFC 9421, 3.3.3; raises `InvalidSignature`."""
    if not hmac.compare_digest(hmac.digest(secret, base, "sha256"), signature):
        raise InvalidSignature


def require_ed25519(public_key: bytes, base: bytes, signature: bytes) -> None:
    """RFC 9421, 3.3.6; raises `InvalidSignature`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, base)
    except exceptions.InvalidSignature:
        raise InvalidSignature from None
