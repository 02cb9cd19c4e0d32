"""Makes and reads tokens that are sent by mail, and counts mails."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from prometheus_client import CollectorRegistry, Counter

from identity_svc.core import Core
from identity_svc.mail_tokens import store
from identity_svc.mail_tokens.models import LIMITS, BadMailToken, ReadToken
from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.signing_keys.models import AUDIENCES
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.tokens.bearer import ALGORITHM, AUDIENCE

_TYPE = "JWT"


class MailQuota:
    """How many mails an account gets, whoever asks for them; further ones are not sent.

    The caller is not told: the owner has the mails that were sent, and nobody else learns whether
    the account exists.
    """

    def __init__(self, registry: CollectorRegistry, *, enabled: bool) -> None:
        self._enabled = enabled
        self._withheld = Counter(
            "mails_withheld",
            "Mails that were asked for and not sent, for their address had enough of them.",
            ("kind",),
            registry=registry,
        )
        for kind in LIMITS:
            self._withheld.labels(kind)

    async def take(self, connection: Connection, user: User, kind: str) -> bool:
        """Whether a mail of this kind may go to a locked user; it is counted then."""
        if not self._enabled or await store.note_mail(connection, user.uid, kind, LIMITS[kind]):
            return True
        self._withheld.labels(kind).inc()
        return False


@dataclass(frozen=True, slots=True)
class MailTokens:
    """Tokens that prove that their bearer reads a user's mail; they live for `seconds`."""

    keys: KeyChain
    issuer: str
    seconds: int
    quota: MailQuota

    async def issue(
        self, connection: Connection, user: User, purpose: str, *, seconds: int | None = None
    ) -> str:
        """A token that works once, from the commit of the transaction on.

        It lives for `seconds`, or as long as the setting says.
        """
        jti, now = uuid.uuid4(), datetime.now(UTC)
        ends = now + timedelta(seconds=seconds or self.seconds)
        await store.insert_token(connection, jti, user.uid, purpose, ends)
        claims = {"jti": str(jti), "aud": AUDIENCES, "sub": purpose}
        return self.keys.token({**claims, "uid": user.uid, "email": user.email}, now, ends, _TYPE)

    async def note(
        self, connection: Connection, user: User, purpose: str, seconds: int
    ) -> ReadToken:
        """Notes a mail whose token is the caller's own, as `works`, `use` and `revoke` need it."""
        jti, ends = uuid.uuid4(), datetime.now(UTC) + timedelta(seconds=seconds)
        await store.insert_token(connection, jti, user.uid, purpose, ends)
        return ReadToken(jti, purpose, user.uid, user.email)

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

    async def use_with_later(self, connection: Connection, read: ReadToken) -> datetime | None:
        """When the token of a locked user expires; None where it no longer worked.

        Once the transaction commits, neither this one nor a later one of its purpose works. Earlier
        ones do.
        """
        expires_at = await store.expiry_of(connection, read.jti, read.uid, read.purpose)
        if expires_at is not None:
            await store.use_tokens_since(connection, read.uid, read.purpose, read.jti)
        return expires_at

    async def was_used(self, connection: Connection, read: ReadToken) -> bool:
        """Whether the token no longer works because it, or one of its purpose, was used."""
        return await store.is_used(connection, read.jti)

    async def revoke(self, connection: Connection, uid: str, *purposes: str) -> None:
        """A user's tokens for these purposes no longer work."""
        await store.delete_tokens(connection, uid, purposes)

    async def delete_expired(self, connection: Connection) -> None:
        """Deletes expired tokens, and counts of mails that no limit needs any more."""
        await store.delete_expired(connection)
        await store.delete_old_notes(connection)

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


def build(core: Core, keys: KeyChain) -> MailTokens:
    """The tokens of this installation; `BARONG_THROTTLING` switches the quota off, too."""
    settings = core.settings
    quota = MailQuota(core.registry, enabled=settings.throttling)
    return MailTokens(keys, settings.jwt_issuer, settings.mail_token_seconds, quota)


def _why(error: jwt.InvalidTokenError, token: str) -> str:
    """The word by which clients of Barong know the fault."""
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
