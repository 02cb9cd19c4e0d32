"""Reading and ending sessions of users, at identity-svc, which owns them."""

import uuid
from dataclasses import dataclass
from typing import Any

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from admin_svc.directory.models import UserNotFound
from shared.clients.identity import IdentityClient
from shared.contracts.refusals import SessionNotFound
from shared.errors import NotFound
from shared.web.pagination import MAX_LIMIT, PageForm


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of users; gateways drop a session at once when it ends."""

    audit: AuditTrail
    identity: IdentityClient

    async def list_page(self, uid: str, page: PageForm) -> tuple[list[dict[str, Any]], int]:
        """One page of a user's living sessions, and the number of all; raises `UserNotFound`."""
        found = await self.identity.sessions_of(uid, page.page or 1, page.limit or MAX_LIMIT)
        if not found[1]:
            await self._require_user(uid)
        return found

    async def end(self, actor: Actor, uid: str, session: str | None) -> None:
        """Ends one session of a user, or without a `session` all of them.

        Raises `SessionNotFound`, `UserNotFound`, or `Invalid` where the actor may not change the
        user. A repetition without a session ends nothing.
        """
        wanted = {"session": session or "all"}
        async with self.audit.audited_change(actor, "user.sessions", uid, wanted) as audited:
            sid = None if session is None else _sid(session)
            try:
                ended = await self.identity.end_sessions(actor.administrator, uid, sid)
            except NotFound as refused:
                if refused.codes == SessionNotFound.codes:
                    raise SessionNotFound from None
                raise UserNotFound from None
            audited.done(before={"sessions": ended}, after=None)

    async def _require_user(self, uid: str) -> None:
        try:
            await self.identity.user(uid)
        except NotFound:
            raise UserNotFound from None


def _sid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise SessionNotFound from None


def build(core: Core, audit: AuditTrail) -> Sessions:
    """Wires the feature."""
    return Sessions(audit, core.identity)
