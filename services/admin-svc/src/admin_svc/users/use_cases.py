"""Changing users, at the services that own their data."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from admin_svc.directory.models import UserNotFound
from admin_svc.directory.use_cases import Directory
from admin_svc.permissions.use_cases import Permissions
from admin_svc.users.models import (
    EmailNoChange,
    EnableSecondFactor,
    OtpNoChange,
    RoleDoesNotExist,
    RoleNoChange,
    StateNoChange,
)
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.administration import Administrator, ChangedAttachment, ChangedUser
from shared.contracts.users import User
from shared.errors import NotFound, Refusal, Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Users:
    """Has the owners change users; each change is audited, and shown by the directory at once.

    The owner decides who may change whom, in the transaction that makes the change.
    """

    audit: AuditTrail
    directory: Directory
    permissions: Permissions
    identity: IdentityClient
    resource: ResourceClient

    async def change_state(self, actor: Actor, uid: str, state: str) -> User:
        """Puts a user into another state; raises `StateNoChange`, `Invalid` or `UserNotFound`.

        `locked`, `banned` and `deleted` hold until an administrator sets another state. Other
        states hold until the user's private labels change: then the labels decide again.
        """
        ask = partial(self.identity.change_state, uid=uid, state=state)
        return await self._change(actor, uid, "state", state, ask, StateNoChange())

    async def change_role(self, actor: Actor, uid: str, role: str) -> User:
        """Gives a user another role, which a permission has to name.

        Raises `RoleDoesNotExist`, `RoleNoChange`, `Invalid` or `UserNotFound`.
        """
        if not await self.permissions.role_exists(role):
            raise RoleDoesNotExist
        ask = partial(self.identity.change_role, uid=uid, role=role)
        return await self._change(actor, uid, "role", role, ask, RoleNoChange())

    async def change_email(self, actor: Actor, uid: str, email: str) -> User:
        """Gives a user another address; raises `EmailNoChange`, `Invalid` or `UserNotFound`."""
        ask = partial(self.identity.change_email, uid=uid, email=email)
        return await self._change(actor, uid, "email", email, ask, EmailNoChange())

    async def set_second_factor(self, actor: Actor, uid: str, *, on: bool) -> User:
        """Turns a user's second factor off, for users who lost their authenticator.

        Raises `EnableSecondFactor`, `OtpNoChange`, `Invalid` or `UserNotFound`.
        """
        if on:
            raise EnableSecondFactor
        ask = partial(self.identity.reset_second_factor, uid=uid)
        return await self._change(actor, uid, "otp", False, ask, OtpNoChange())

    async def change_attachment(
        self,
        actor: Actor,
        action: str,
        uid: str,
        wanted: Mapping[str, Any],
        ask: Callable[[Administrator], Awaitable[ChangedAttachment]],
    ) -> ChangedAttachment:
        """Has resource-svc change an attachment of a user, with `ask`.

        Raises what `ask` raises, and `UserNotFound` for a `NotFound` without a code of its own.
        """
        async with self.audit.audited_change(actor, action, uid, wanted) as audited:
            try:
                changed = await ask(actor.administrator)
            except NotFound as refused:
                raise (UserNotFound if refused.codes == NotFound.codes else refused) from None
            audited.done(before=changed.before, after=changed.after)
        await self.directory.refresh(changed.user, changed.sets)
        return changed

    async def _change(
        self,
        actor: Actor,
        uid: str,
        attribute: str,
        wanted: object,
        ask: Callable[[Administrator], Awaitable[ChangedUser]],
        unchanged: Refusal,
    ) -> User:
        """Has identity-svc change one attribute of a user, with `ask`.

        Raises `unchanged`, `UserNotFound` or what `ask` raises.
        """
        async with self.audit.audited_change(
            actor, f"user.{attribute}", uid, {attribute: wanted}
        ) as audited:
            try:
                changed = await ask(actor.administrator)
            except NotFound:
                raise UserNotFound from None
            old, new = getattr(changed.before, attribute), getattr(changed.after, attribute)
            if changed.before.version == changed.after.version:
                raise unchanged
            audited.done(before={attribute: old}, after={attribute: new})
        await self._update_replica(changed.after)
        await self.directory.refresh(changed.after)
        return changed.after

    async def _update_replica(self, user: User) -> None:
        """Sends the user to resource-svc before the answer, so that writes of banned users fail.

        Nothing is lost when it fails: the event of the change does the same.
        """
        try:
            await self.resource.upsert_user(user)
        except (Unavailable, NotFound) as error:
            log.warning("replica_awaits_event", uid=user.uid, reason=str(error))


def build(core: Core, audit: AuditTrail, directory: Directory, permissions: Permissions) -> Users:
    """Wires the feature."""
    return Users(audit, directory, permissions, core.identity, core.resource)
