"""A subscriber of Barong 2.4, which verifies messages as the gem jwt-multisig does."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEY_NAME = "barong"


class NotVerified(Exception):
    """No signature of the message has the name of the key."""


def verified(body: bytes, key: RSAPublicKey) -> dict[str, Any]:
    """The claims of a message, verified with the one public key that the subscriber is given.

    It takes the signature whose unprotected header names "barong", and checks it as a JWT. Raises
    `NotVerified`, or what PyJWT raises.
    """
    envelope = json.loads(body)
    named = [each for each in envelope["signatures"] if each["header"]["kid"] == KEY_NAME]
    if not named:
        raise NotVerified("barong")
    [each] = named
    token = f"{each['protected']}.{envelope['payload']}.{each['signature']}"
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], issuer="barong")
    return claims
