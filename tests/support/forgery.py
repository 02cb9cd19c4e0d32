"""Tokens of any content, signed with the installation's own key: only a thief could make them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from shared.crypto.key_ring import KeyRing
from tests.support.internal import tables_of_identity
from tests.support.system import KEY, Installation


@dataclass(frozen=True, slots=True)
class Forger:
    """Has got hold of the key that signs."""

    kid: str
    key: RSAPrivateKey

    def token(self, **changes: Any) -> str:
        """A confirmation token of nobody, with other claims; None leaves a claim out."""
        now = datetime.now(UTC)
        claims = {
            "iss": "barong",
            "aud": ["peatio", "barong"],
            "sub": "confirmation",
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + timedelta(hours=1),
            "uid": "ID0000000000",
            "email": "nobody@example.com",
            **changes,
        }
        return self.signed({name: claim for name, claim in claims.items() if claim is not None})

    def signed(self, claims: Mapping[str, Any], key: Any = None, algorithm: str = "RS256") -> str:
        """These claims under a header that names the installation's key."""
        return jwt.encode(dict(claims), key or self.key, algorithm, headers={"kid": self.kid})


async def forger_of(system: Installation) -> Forger:
    """A forger with the key that signs at this moment."""
    async with tables_of_identity(system) as tables:
        row = await tables.fetchrow(
            """
            SELECT kid, private_key
            FROM signing_keys
            WHERE active_at <= now()
            ORDER BY active_at DESC, kid
            """
        )
    assert row is not None
    kid, sealed = row
    der = KeyRing.parse(KEY).decrypt(sealed, f"signing_keys.private_key:{kid}")
    key = load_der_private_key(der, None)
    assert isinstance(key, RSAPrivateKey)
    return Forger(kid, key)
