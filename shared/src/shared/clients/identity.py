"""The client of identity-svc's internal API."""

from collections.abc import Sequence
from typing import Any

from shared.clients.internal_api import InternalApi, segment
from shared.contracts.events import Event
from shared.contracts.labels import PrivateLabels
from shared.contracts.services import IDENTITY
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.contracts.users import User
from shared.tokens.key_set import JwksDocument
from shared.tokens.service import ServiceTokens


class IdentityClient(InternalApi):
    """Every call raises `Unavailable` when identity-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, IDENTITY, tokens)

    async def jwks(self) -> JwksDocument:
        """The published keys."""
        document: JwksDocument = await self.call("GET", "/.well-known/jwks.json")
        return document

    async def resolve_session(self, key: str) -> ResolvedSession:
        """The session kept under `key`, prolonged by this use; raises `NotFound`."""
        return ResolvedSession.of(await self.call("POST", "/sessions/resolve", {"key": key}))

    async def resolve_session_by_sid(self, sid: str) -> ResolvedSession:
        """The session with this id, prolonged by this use; raises `NotFound`."""
        return ResolvedSession.of(await self.call("POST", "/sessions/resolve", {"sid": sid}))

    async def revoke_session(self, sid: str) -> None:
        """Ends a session; one that is gone already is no error."""
        await self.call("DELETE", f"/sessions/{segment(sid)}")

    async def user(self, uid: str) -> User:
        """The user as he is now; raises `NotFound`."""
        return User.of(await self.call("GET", f"/users/{segment(uid)}"))

    async def user_token(self, uid: str) -> UserToken:
        """The user as he is now, with a token that no session stands behind; raises `NotFound`."""
        return UserToken.of(await self.call("POST", f"/users/{segment(uid)}/token"))

    async def apply_labels(self, labels: PrivateLabels) -> User:
        """The user with state and level as these labels decide; older labels change nothing.

        Raises `NotFound`.
        """
        return User.of(
            await self.call("PUT", f"/users/{segment(labels.uid)}/labels", labels.snapshot())
        )

    async def verify_password(self, uid: str, password: str) -> None:
        """Raises `Invalid` with `password.wrong`, `NotFound` or `Throttled`."""
        await self.call("POST", f"/users/{segment(uid)}/password/verify", {"password": password})

    async def change_password(self, uid: str, old: str, new: str, sid: str | None) -> User:
        """The user, all of whose sessions end but `sid`.

        Raises `Invalid` with `password.wrong`, `password.no_change` or what the new one lacks,
        `NotFound` or `Throttled`.
        """
        body = {"old_password": old, "new_password": new, "sid": sid}
        return User.of(await self.call("PUT", f"/users/{segment(uid)}/password", body))

    async def create_second_factor(self, uid: str) -> tuple[str, str]:
        """A new secret and its otpauth URL; raises `Invalid` with `otp.already_enabled`."""
        answer = await self.call("POST", f"/users/{segment(uid)}/otp")
        return answer["secret"], answer["url"]

    async def enable_second_factor(self, uid: str, code: str, sid: str | None) -> User:
        """The user, all of whose sessions end but `sid`.

        Raises `Invalid` with `otp.already_enabled`, `otp.invalid` or `totp.error`, or `Throttled`.
        """
        body = {"code": code, "sid": sid}
        return User.of(await self.call("POST", f"/users/{segment(uid)}/otp/enable", body))

    async def verify_code(self, uid: str, code: str) -> None:
        """Uses up a code.

        Raises `Invalid` with `otp.not_enabled`, `otp.invalid` or `totp.error`, or `Throttled`.
        """
        await self.call("POST", f"/users/{segment(uid)}/otp/verify", {"code": code})

    async def disable_second_factor(self, uid: str, code: str) -> User:
        """The user; raises what `verify_code` raises."""
        path = f"/users/{segment(uid)}/otp/disable"
        return User.of(await self.call("POST", path, {"code": code}))

    async def disable_second_factor_without_code(self, uid: str) -> User:
        """The user; for administrators; raises `Invalid` with `otp.not_enabled`, or `NotFound`."""
        return User.of(await self.call("DELETE", f"/users/{segment(uid)}/otp"))

    async def sessions(self, uid: str) -> list[dict[str, Any]]:
        """The user's living sessions: sid, address, user_agent, created_at, expires_at."""
        answer: list[dict[str, Any]] = await self.call("GET", f"/users/{segment(uid)}/sessions")
        return answer

    async def revoke_sessions(self, uid: str, but: str | None = None) -> None:
        """Ends all sessions of a user, or all but one; raises `NotFound`."""
        await self.call("DELETE", f"/users/{segment(uid)}/sessions", {"but": but})

    async def revoke_session_of(self, uid: str, sid: str) -> None:
        """Ends a session of this user; raises `NotFound` when he has no such session."""
        await self.call("DELETE", f"/users/{segment(uid)}/sessions/{segment(sid)}")

    async def sign(self, events: Sequence[Event]) -> list[bytes]:
        """A signed message for each event, in their order."""
        body = {
            "events": [
                {
                    "id": str(event.id),
                    "name": event.name,
                    "record": event.record,
                    "changes": event.changes,
                    "snapshot": event.snapshot,
                }
                for event in events
            ]
        }
        answer = await self.call("POST", "/events/sign", body)
        return [message.encode() for message in answer["messages"]]
