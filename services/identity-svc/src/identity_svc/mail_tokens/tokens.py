"""Makes and reads tokens that are sent by mail."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from identity_svc.mail_tokens import store
from identity_svc.mail_tokens.errors import BadMailToken
from identity_svc.sessions.open_session import AUDIENCES
from identity_svc.signing_keys.key_chain import KeyChain
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.tokens.bearer import ALGORITHM, AUDIENCE

CONFIRMATION, RESET = "confirmation", "reset"
_TYPE = "JWT"


@dataclass(frozen=True, slots=True)
class ReadToken:
    """What a token that is signed, living and meant for this purpose says."""

    jti: uuid.UUID
    purpose: str
    uid: str
    email: str


@dataclass(frozen=True, slots=True)
class MailTokens:
    """Tokens of this installation."""

    keys: KeyChain
    issuer: str
    seconds: int

    async def issue(self, connection: Connection, user: User, purpose: str) -> str:
        """A token that works once, from the moment in which the transaction commits."""
        jti, now = uuid.uuid4(), datetime.now(UTC)
        ends = now + timedelta(seconds=self.seconds)
        await store.insert_token(connection, jti, user.uid, purpose, ends)
        claims = {"jti": str(jti), "aud": AUDIENCES, "sub": purpose}
        return self.keys.token({**claims, "uid": user.uid, "email": user.email}, now, ends, _TYPE)

    async def works(self, connection: Connection, read: ReadToken) -> bool:
        """Whether the token may still be used."""
        return await store.token_exists(connection, read.jti, read.uid, read.purpose)

    async def use(self, connection: Connection, read: ReadToken) -> bool:
        """Whether the token of a locked user still worked.

        Once the transaction commits, neither this one nor any other of its purpose does.
        """
        if not await self.works(connection, read):
            return False
        await store.use_tokens(connection, read.uid, read.purpose)
        return True

    async def was_used(self, connection: Connection, read: ReadToken) -> bool:
        """Whether the token does not work any more because it, or one sent beside it, was used."""
        return await store.is_used(connection, read.jti)

    def read(self, token: str, purpose: str) -> ReadToken:
        """What a token says; raises `BadMailToken`."""
        claims = self._decode(token)
        if claims.get("sub") != purpose:
            raise BadMailToken(str(claims.get("sub")))
        try:
            return ReadToken(
                uuid.UUID(claims["jti"]), purpose, str(claims["uid"]), str(claims["email"])
            )
        except (KeyError, ValueError, AttributeError, TypeError):
            raise BadMailToken("jti" if "jti" not in claims else "encoding") from None

    def _decode(self, token: str) -> dict[str, Any]:
        if token.count(".") != 2:
            raise BadMailToken("segments")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM:
                raise BadMailToken("algorithm" if header.get("alg") != "none" else "segments")
            key = self.keys.public_key(str(header.get("kid")))
            if key is None:
                raise BadMailToken("raised")
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=self.issuer
            )
        except jwt.InvalidTokenError as error:
            raise BadMailToken(_why(error, token)) from None
        return claims


async def forget(connection: Connection, uid: str, *purposes: str) -> None:
    """A user's tokens for these purposes work no more."""
    await store.delete_tokens(connection, uid, purposes)


def _why(error: jwt.InvalidTokenError, token: str) -> str:
    """The word that tells clients of Barong what is wrong."""
    match error:
        case jwt.ExpiredSignatureError():
            return "expired"
        case jwt.InvalidSignatureError():
            return "raised"
        case jwt.InvalidIssuerError() | jwt.MissingRequiredClaimError(claim="iss"):
            return str(_unverified(token).get("iss", "<none>"))
        case jwt.InvalidAudienceError() | jwt.MissingRequiredClaimError(claim="aud"):
            audience = _unverified(token).get("aud") or "<none>"
            if audience == "<none>":
                return audience
            return json.dumps([audience] if isinstance(audience, str) else audience)
        case jwt.InvalidIssuedAtError():
            return "iat"
        case jwt.ImmatureSignatureError():
            return "iat" if "iat" in str(error) else "reached"
        case _:
            return "encoding"


def _unverified(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})
