"""An authenticator and the browser before it, as WebAuthn Level 3 describes them.

Tests change what they do wrong. A real browser does the same in `tests/interop`.
"""

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64
ORIGIN = "http://localhost:8080"
"""That of the front end in development."""

Credential = dict[str, Any]


@dataclass
class SoftAuthenticator:
    """Has one passkey. `step` is by how much its counter grows; 0: it does not count."""

    origin: str = ORIGIN
    flags: int = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE
    step: int = 1
    count: int = 0
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    rp_id: str = ""

    def copy(self) -> "SoftAuthenticator":
        """Another device with the same key and the same counter."""
        return replace(self)

    def create(self, options: Mapping[str, Any]) -> Credential:
        """What `navigator.credentials.create()` gives for these options."""
        self.rp_id = options["rp"]["id"]
        self.handle = _decoded(options["user"]["id"])
        data = self._data(self.flags | ATTESTED) + self._attested()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._credential(
            {
                "clientDataJSON": encoded(client_data),
                "attestationObject": encoded(attestation),
                "transports": ["internal", "hybrid"],
            }
        )

    def get(self, options: Mapping[str, Any]) -> Credential:
        """What `navigator.credentials.get()` gives for these options."""
        self.count += self.step
        data = self._data(self.flags)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            {
                "clientDataJSON": encoded(client_data),
                "authenticatorData": encoded(data),
                "signature": encoded(self.key.sign(signed, ECDSA(SHA256()))),
                "userHandle": encoded(self.handle),
            }
        )

    def _credential(self, response: Mapping[str, Any]) -> Credential:
        return {
            "id": encoded(self.id),
            "rawId": encoded(self.id),
            "type": "public-key",
            "response": dict(response),
            "clientExtensionResults": {},
        }

    def _client_data(self, kind: str, challenge: str) -> bytes:
        data = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(data).encode()

    def _data(self, flags: int) -> bytes:
        rp_id_hash = hashlib.sha256(self.rp_id.encode()).digest()
        return rp_id_hash + struct.pack(">BI", flags, self.count)

    def _attested(self) -> bytes:
        point = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: point.x.to_bytes(32, "big"),
            -3: point.y.to_bytes(32, "big"),
        }
        return bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(cose)


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
