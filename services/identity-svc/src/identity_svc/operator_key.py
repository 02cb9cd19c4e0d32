"""The operator's own signing key, read from a file."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

MIN_BITS = 2048  # RFC 7518, 3.3


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """A key that is never stored in the table; `kid` is its thumbprint."""

    kid: str
    key: RSAPrivateKey = field(repr=False, compare=False)

    @property
    def public_half(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def read_operator_key(path: str) -> OperatorKey:
    """The RSA key of a PEM file; raises ValueError, whose message says what is wrong with it."""
    try:
        key = serialization.load_pem_private_key(Path(path).read_bytes(), password=None)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except TypeError:
        raise ValueError(f"{path} is protected by a passphrase.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{path} holds no private key in PEM format.") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_BITS:
        raise ValueError(f"{path} holds no RSA key of {MIN_BITS} bits or more.")
    return OperatorKey(thumbprint(key.public_key()), key)


def thumbprint(key: RSAPublicKey) -> str:
    """SHA-256 of a key's required members in lexicographic order, RFC 7638."""
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
