"""A member who signs their calls with API keys."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.authenticator import Authenticator, second_factor_of
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD
from tests.unit.gateway.builders import Sign, by_secret, message_signed, signed_with

API_KEYS = "resource/api_keys"

_nonces = [0]


def a_nonce() -> int:
    """One that was not used yet, of about this moment."""
    _nonces.append(max(time.time_ns() // 1_000_000, _nonces[-1] + 1))
    return _nonces[-1]


@dataclass(frozen=True, slots=True)
class Owner:
    """A member with a second factor, whose codes count as often as they like, and their browser."""

    browser: Client
    uid: str
    authenticator: Authenticator

    async def form(self, **more: str) -> dict[str, str]:
        async with tables_of_identity(self.browser.system) as tables:
            await tables.execute("UPDATE second_factors SET last_step = 0 WHERE uid = $1", self.uid)
        return {"totp_code": self.authenticator.code(), **more}

    async def new_key(self, **more: str) -> "Key":
        form = await self.form(**{"algorithm": "HS256", **more})
        answer = await self.browser.post(API_KEYS, form)
        assert answer.status == 201
        return Key(answer.body["kid"], answer.body["secret"])

    async def new_ed25519_key(self, **more: str) -> "Key":
        """One of which only the owner has the private half."""
        private_key = Ed25519PrivateKey.generate()
        pem = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        form = await self.form(algorithm="ed25519", public_key=pem.decode(), **more)
        answer = await self.browser.post(API_KEYS, form)
        assert (answer.status, "secret" in answer.body) == (201, False)
        return Key(answer.body["kid"], "", private_key)


async def an_owner(client: Client) -> Owner:
    """A new member, whose second factor is on and who is logged in."""
    uid = (await client.become_member()).body["uid"]
    made = Owner(client, uid, await second_factor_of(client, uid))
    form = {"email": client.email, "password": PASSWORD}
    code = (await made.form())["totp_code"]
    assert (await client.post("identity/sessions", {**form, "otp_code": code})).status == 201
    return made


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its owner has it: with a secret, or with a private key."""

    kid: str
    secret: str
    private_key: Ed25519PrivateKey | None = None

    @property
    def sign(self) -> Sign:
        """Makes the signature of a signature base."""
        return by_secret(self.secret) if self.private_key is None else self.private_key.sign

    def signed(self, nonce: object = None) -> dict[str, str]:
        return signed_with(self.kid, self.secret, a_nonce() if nonce is None else nonce)

    def message_signed(
        self, method: str, target: str, body: bytes | None = None, **more: Any
    ) -> dict[str, str]:
        """The headers of a call with an HTTP message signature (RFC 9421)."""
        more = {"nonce": secrets.token_urlsafe(), **more}
        return message_signed(self.kid, self.sign, method, target, body=body, **more)
