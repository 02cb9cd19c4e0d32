"""Who may change whom: the one rule, for every change that an administrator makes to a user."""

from dataclasses import dataclass

from shared.contracts.administration import SUPERADMIN, Administrator
from shared.contracts.users import MAY_ACT, User
from shared.errors import Invalid
from shared.policy.ranks import Ranks


class SelfChange(Invalid):
    """Nobody changes themself."""

    codes = ("admin.user.update_himself",)


class SuperadminChange(Invalid):
    """Only a superadmin changes a superadmin, or makes one."""

    codes = ("admin.user.superadmin_change",)


class HigherRole(Invalid):
    """The user's role, or the one they are to have, ranks as high as the administrator's."""

    codes = ("admin.user.higher_role",)


class NoAuthority(Invalid):
    """The administrator has lost the role that they had when the gateway let them through."""

    codes = ("authz.invalid_permission",)


NOT_ALLOWED: tuple[type[Invalid], ...] = (SelfChange, SuperadminChange, HigherRole)
"""What `Authority.demand` raises, for the API document; any call may get `NoAuthority`."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Administrators change users of lower ranks than their own; superadmins everybody else.

    identity-svc and resource-svc decide by it, each under locks of both users, in the transaction
    of the change.
    """

    ranks: Ranks

    def demand(
        self, by: Administrator, actor: User | None, subject: User, role: str | None = None
    ) -> User:
        """`actor`, where they may change `subject`, and give them `role`.

        `actor` is the record of `by`, None if there is none. Raises `SelfChange`, `NoAuthority`,
        `SuperadminChange` or `HigherRole`.
        """
        if subject.uid == by.uid:
            raise SelfChange
        if actor is None or actor.role != by.role or actor.state not in MAY_ACT:
            raise NoAuthority
        roles = (subject.role, role) if role else (subject.role,)
        if (refused := self.refusal(actor.role, *roles)) is not None:
            raise refused
        return actor

    def refusal(self, by: str, *roles: str) -> Invalid | None:
        """Why somebody of the role `by` may not change others of these roles; None if they may."""
        if by == SUPERADMIN:
            return None
        if SUPERADMIN in roles:
            return SuperadminChange()
        if not all(self.ranks.is_above(by, role) for role in roles):
            return HigherRole()
        return None
