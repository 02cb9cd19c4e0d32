"""The client of identity-svc's internal API."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlencode

from shared.clients.archive import ArchiveClient
from shared.clients.internal_api import segment
from shared.contracts.activities import Client
from shared.contracts.administration import Administrator, ChangedUser
from shared.contracts.events import Event
from shared.contracts.labels import PrivateLabels
from shared.contracts.services import IDENTITY
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.contracts.users import User
from shared.tokens.key_set import JwksDocument
from shared.tokens.service import ServiceTokens

_PAGE = 100


class IdentityClient(ArchiveClient):
    """Every call raises `Unavailable` when identity-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, IDENTITY, tokens)

    async def jwks(self) -> JwksDocument:
        """The published keys."""
        document: JwksDocument = await self.call("GET", "/.well-known/jwks.json")
        return document

    async def resolve_session(self, key: str) -> ResolvedSession:
        """The session with this key, which this use prolongs; raises `NotFound`."""
        return await self._resolve({"key": key})

    async def resolve_session_by_sid(self, sid: str) -> ResolvedSession:
        """The session with this id, which this use prolongs; raises `NotFound`."""
        return await self._resolve({"sid": sid})

    async def take_in_network(self, sid: str, address: str) -> ResolvedSession:
        """The session, now bound to the network of `address` if it was bound to none of its family.

        Raises `NotFound`.
        """
        return await self._resolve({"sid": sid, "address": address})

    async def _resolve(self, body: Mapping[str, str]) -> ResolvedSession:
        answer = await self.call("POST", "/sessions/resolve", body, repeatable=True)
        return ResolvedSession.of(answer)

    async def revoke_session(self, sid: str) -> None:
        """Ends a session; it may have ended already."""
        await self.call("DELETE", f"/sessions/{segment(sid)}")

    async def user(self, uid: str) -> User:
        """The user as they are now; raises `NotFound`."""
        return User.of(await self.call("GET", f"/users/{segment(uid)}"))

    async def users_after(self, uid: str, limit: int) -> list[User]:
        """The next users in the order of their uids, at most 1000."""
        query = urlencode({"after": uid, "limit": limit})
        return [User.of(user) for user in (await self.call("GET", f"/users?{query}"))["users"]]

    async def user_token(self, uid: str) -> UserToken:
        """The user as they are now, with a token without a session; raises `NotFound`."""
        path = f"/users/{segment(uid)}/token"
        return UserToken.of(await self.call("POST", path, repeatable=True))

    async def apply_labels(self, labels: PrivateLabels) -> User:
        """The user with state and level as these labels decide; older labels change nothing.

        Raises `NotFound`.
        """
        return User.of(
            await self.call("PUT", f"/users/{segment(labels.uid)}/labels", labels.to_internal())
        )

    async def change_data(self, uid: str, data: str) -> User:
        """The user as they are now; raises `Invalid` with the faults of the data, `NotFound`."""
        return User.of(await self.call("PUT", f"/users/{segment(uid)}/data", {"data": data}))

    async def verify_password(self, uid: str, password: str, client: Client) -> User:
        """The user as they are now; raises `Invalid` (`password.wrong`), `NotFound`, `Throttled`.

        Here and below, `client` is who makes the call: attempts are counted for their network.
        """
        body = {"password": password, "client": client.to_internal()}
        return User.of(await self.call("POST", f"/users/{segment(uid)}/password/verify", body))

    async def change_password(
        self,
        uid: str,
        old: str,
        new: str,
        sid: str | None,
        client: Client,
        *,
        confirmation: str | None = None,
    ) -> User:
        """Changes the password, which ends all sessions but `sid`; `confirmation` repeats it.

        Raises `Invalid` with `password.doesnt_match`, `password.wrong`, `password.no_change` or
        what the new one lacks, `NotFound` or `Throttled`.
        """
        body = {
            "old_password": old,
            "new_password": new,
            "confirm_password": new if confirmation is None else confirmation,
            "sid": sid,
            "client": client.to_internal(),
        }
        return User.of(await self.call("PUT", f"/users/{segment(uid)}/password", body))

    async def create_second_factor(
        self, uid: str, sid: str | None, client: Client
    ) -> tuple[str, str]:
        """A new secret and its otpauth URL, asked for in the session `sid`.

        Raises `Invalid` with `otp.already_enabled`, or `StepUpRequired`.
        """
        body = {"sid": sid, "client": client.to_internal()}
        answer = await self.call("POST", f"/users/{segment(uid)}/otp", body)
        return answer["secret"], answer["url"]

    async def enable_second_factor(
        self, uid: str, code: str, sid: str | None, client: Client
    ) -> User:
        """Turns the second factor on, which ends all sessions but `sid`.

        Raises `Invalid` with `otp.already_enabled`, `otp.invalid` or `totp.error`, `StepUpRequired`
        or `Throttled`.
        """
        body = {"code": code, "sid": sid, "client": client.to_internal()}
        return User.of(await self.call("POST", f"/users/{segment(uid)}/otp/enable", body))

    async def verify_code(self, uid: str, code: str, client: Client) -> None:
        """Uses up a code.

        Raises `Invalid` with `otp.not_enabled`, `otp.invalid` or `totp.error`, or `Throttled`.
        """
        body = {"code": code, "client": client.to_internal()}
        await self.call("POST", f"/users/{segment(uid)}/otp/verify", body)

    async def disable_second_factor(self, uid: str, code: str, client: Client) -> User:
        """The user; raises what `verify_code` raises."""
        body = {"code": code, "client": client.to_internal()}
        return User.of(await self.call("POST", f"/users/{segment(uid)}/otp/disable", body))

    async def authorized(self, by: Administrator, uid: str) -> tuple[User, User]:
        """`by` and the user, whom `by` may change.

        Raises `NotFound`, and `Invalid` where `by` may not change this user.
        """
        answer = await self.call("POST", f"/users/{segment(uid)}/subject", {"by": by.to_internal()})
        return User.of(answer["author"]), User.of(answer["subject"])

    async def demand_successor(self, uid: str) -> None:
        """Raises `Invalid` with `admin.user.last_superadmin`, or `NotFound`."""
        await self.call("POST", f"/users/{segment(uid)}/successor")

    async def reset_second_factor(self, by: Administrator, uid: str) -> ChangedUser:
        """Turns the second factor off without a code; a repetition changes nothing.

        Here and below: raises `NotFound`, and `Invalid` where `by` may not change this user.
        """
        body = {"by": by.to_internal()}
        return ChangedUser.of(await self.call("DELETE", f"/users/{segment(uid)}/otp", body))

    async def change_state(self, by: Administrator, uid: str, state: str) -> ChangedUser:
        """A repetition changes nothing; raises `Invalid` with `state.inclusion`."""
        body = {"by": by.to_internal(), "state": state}
        return ChangedUser.of(await self.call("PUT", f"/users/{segment(uid)}/state", body))

    async def change_email(self, by: Administrator, uid: str, email: str) -> ChangedUser:
        """A repetition changes nothing; raises `Invalid` (`email.invalid`, `email.taken`)."""
        body = {"by": by.to_internal(), "email": email}
        return ChangedUser.of(await self.call("PUT", f"/users/{segment(uid)}/email", body))

    async def change_role(self, by: Administrator, uid: str, role: str) -> ChangedUser:
        """A repetition changes nothing."""
        body = {"by": by.to_internal(), "role": role}
        return ChangedUser.of(await self.call("PUT", f"/users/{segment(uid)}/role", body))

    async def sessions_of(
        self, uid: str, page: int, limit: int
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of the user's sessions in force, the newest first, and the number of all.

        Of each: sid, address, user_agent, created_at, expires_at.
        """
        path = f"/users/{segment(uid)}/sessions?page={page}&limit={limit}"
        answer = await self.call("GET", path)
        return answer["sessions"], answer["total"]

    async def sessions(self, uid: str) -> list[dict[str, Any]]:
        """All sessions, each once, though others may begin meanwhile."""
        found: dict[str, dict[str, Any]] = {}
        for page in count(1):
            some, _ = await self.sessions_of(uid, page, _PAGE)
            found |= {each["sid"]: each for each in some}
            if len(some) < _PAGE:
                break
        return list(found.values())

    async def revoke_session_of(self, uid: str, sid: str) -> None:
        """Ends a session of this user; raises `NotFound` when the user has no such session."""
        await self.call("DELETE", f"/users/{segment(uid)}/sessions/{segment(sid)}")

    async def end_sessions(self, by: Administrator, uid: str, sid: str | None) -> list[str]:
        """Ends a session of a user, or all of them; the sids of those that ended.

        A session that the user does not have: `NotFound` with `admin.session.doesnt_exist`.
        """
        body = {"by": by.to_internal(), "sid": sid}
        answer = await self.call("DELETE", f"/users/{segment(uid)}/sessions", body)
        return list(answer["sessions"])

    async def linked_accounts_of(self, uid: str) -> list[dict[str, Any]]:
        """The accounts of a user at other OpenID providers, as the user sees them."""
        answer = await self.call("GET", f"/users/{segment(uid)}/linked_accounts")
        return list(answer["linked_accounts"])

    async def passkeys_of(self, uid: str) -> list[dict[str, Any]]:
        """The passkeys of a user, as the user sees them."""
        return list((await self.call("GET", f"/users/{segment(uid)}/passkeys"))["passkeys"])

    async def recovery_codes_of(self, uid: str) -> dict[str, Any]:
        """How many recovery codes of a user are left, and when all of them were made."""
        return dict(await self.call("GET", f"/users/{segment(uid)}/recovery_codes"))

    async def trusted_devices_of(self, uid: str) -> list[dict[str, Any]]:
        """The trusted devices of a user, as the user sees them."""
        answer = await self.call("GET", f"/users/{segment(uid)}/trusted_devices")
        return list(answer["trusted_devices"])

    async def sign_tokens(
        self, tokens: Sequence[tuple[str, Mapping[str, Any]]], uid: str | None
    ) -> list[str]:
        """Tokens of the OAuth provider, each of a type and claims, signed by the present key.

        With `uid`, only for a user who may act: raises `NotFound` or `UserNotActive` for others.
        """
        given = [{"type": kind, "claims": dict(claims)} for kind, claims in tokens]
        body = {"tokens": given, "uid": uid}
        return list((await self.call("POST", "/tokens/sign", body, repeatable=True))["tokens"])

    async def log_in(
        self, email: str, password: str, otp_code: str, client: Client
    ) -> tuple[str | None, list[str]]:
        """The cookie of a new session, or None and the codes for which there is none.

        Raises `Throttled`.
        """
        body = {"email": email, "password": password, "otp_code": otp_code}
        answer = await self.call("POST", "/sessions", {**body, "client": client.to_internal()})
        return answer.get("cookie"), answer.get("refused", [])

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
        answer = await self.call("POST", "/events/sign", body, repeatable=True)
        return [message.encode() for message in answer["messages"]]
