"""The parameters and answers of the operations on restrictions."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from admin_svc.parameters import Word
from admin_svc.restrictions.models import (
    ENABLED,
    MAX_CODE,
    MAX_VALUE,
    MIN_CODE,
    STATES,
    Decision,
    InvalidValue,
    StoredRestriction,
    Terms,
    Trial,
    terms,
)
from shared.answer_schemas import AnswerSchema, described
from shared.contracts.policy import CATEGORIES, SCOPES
from shared.declared import declared
from shared.policy.places import Place, folded
from shared.values.addresses import LONGEST, Address, address_of
from shared.values.timestamps import milliseconds
from shared.web.fields import INVALID, Absence, Integer, Parameter, Text
from shared.web.pagination import PageForm

_INVALID_RANGE = "admin.restriction.invalid_range"


def _codes(name: str, *reasons: str) -> Iterable[str]:
    return [f"admin.restriction.{reason}_{name}" for reason in reasons]


def _scope(*, required: bool = False) -> Word:
    return Word(
        SCOPES,
        missing=_codes("scope", "missing", "empty", "invalid") if required else (),
        blank=_codes("scope", "empty", "invalid"),
        invalid="admin.restriction.invalid_scope",
    )


def _category(*blank: str, required: bool = False) -> Word:
    return Word(
        CATEGORIES,
        missing=_codes("category", "missing", *blank) if required else (),
        blank=_codes("category", *blank),
        invalid="admin.restriction.invalid_category",
    )


def _state() -> Word:
    return Word(
        STATES,
        blank=_codes("state", "empty", "invalid"),
        invalid="admin.restriction.invalid_state",
    )


def _value(*, required: bool = False) -> Text:
    missing = _codes("value", "missing", "empty") if required else ()
    return Text(
        missing=missing,
        empty="admin.restriction.empty_value",
        flawed=InvalidValue.codes[0],
        maximum=MAX_VALUE,
    )


def _id() -> Integer:
    empty = "admin.restriction.empty_id"
    return Integer(missing=("admin.restriction.missing_id", empty), empty=empty, maximum=2**63 - 1)


_EMPTY_CODE = Absence("admin.restriction.empty_code")


class Code(Integer):
    """The status with which calls are refused."""

    def __init__(self) -> None:
        super().__init__(minimum=MIN_CODE, maximum=MAX_CODE)

    def blank(self, value: str | None) -> Any:
        raise ValidationError([INVALID, _EMPTY_CODE] if value else [_EMPTY_CODE])

    def codes(self) -> Iterator[str]:
        yield from (*super().codes(), _EMPTY_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRestrictionForm:
    """POST /admin/restrictions."""

    scope: str = declared(_scope(required=True))
    value: str = declared(_value(required=True))
    category: str = declared(_category("invalid", "empty", required=True))
    state: str = declared(_state(), ENABLED)
    code: int | None = declared(Code(), None)

    @property
    def terms(self) -> Terms:
        """The restriction; raises `InvalidValue`."""
        return terms(
            category=self.category,
            scope=self.scope,
            value=self.value,
            state=self.state,
            code=self.code,
        )


class _Address(Parameter):
    """An address as callers have it: IPv4 in IPv6 becomes IPv4."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Address:
        address = address_of(value.strip()) if isinstance(value, str) else None
        if address is None:
            raise self.refuse()
        return address

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": LONGEST}


def _place(name: str) -> Text:
    code = f"admin.restriction.invalid_{name}"
    return Text(invalid=code, flawed=code, maximum=MAX_VALUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRestrictionForm(AddRestrictionForm):
    """GET /admin/restrictions/check; country and continent are words as restrictions have them."""

    address: Address | None = declared(_Address(invalid="admin.restriction.invalid_address"), None)
    country: str | None = declared(_place("country"), None)
    continent: str | None = declared(_place("continent"), None)

    @property
    def place(self) -> Place | None:
        """The place that was given, if any was."""
        if not self.country and not self.continent:
            return None
        return Place(*((folded(word),) if word else () for word in (self.continent, self.country)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRestrictionForm:
    """PUT /admin/restrictions."""

    id: int = declared(_id())
    scope: str | None = declared(_scope(), None)
    category: str | None = declared(_category("invalid", "empty"), None)
    value: str | None = declared(_value(), None)
    state: str | None = declared(_state(), None)
    code: int | None = declared(Code(), None)

    @property
    def given(self) -> Mapping[str, Any]:
        """The values to set, by field."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(Terms)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRestrictionForm:
    """DELETE /admin/restrictions."""

    id: int = declared(_id())


@dataclass(frozen=True, kw_only=True)
class _FilterForm:
    """It has no slots, so that it can be joined with `PageForm`, which has some.

    `range` would choose the time of a span; this list has no spans.
    """

    scope: str | None = declared(_scope(), None)
    category: str | None = declared(_category("empty", "invalid"), None)
    range: str = declared(
        Word(("created", "updated"), blank=(_INVALID_RANGE,), invalid=_INVALID_RANGE), "created"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRestrictionsForm(PageForm, _FilterForm):
    """GET /admin/restrictions; this order of bases is that of the parameters, filters first."""


def restriction_to_public(restriction: StoredRestriction) -> dict[str, Any]:
    """The `Restriction` of the public API, and the record of its events."""
    rule = restriction.rule
    return {
        "id": restriction.id,
        "category": rule.category,
        "scope": rule.scope,
        "value": rule.value,
        "code": rule.code,
        "state": rule.state,
        "created_at": milliseconds(restriction.created_at),
        "updated_at": milliseconds(restriction.updated_at),
    }


def trial_to_public(trial: Trial) -> dict[str, Any]:
    """The answer about a restriction that was only checked."""
    return {
        "restriction": dataclasses.asdict(trial.wanted),
        "locks_out_yourself": trial.locks_out,
        "yourself": _decision_to_public(trial.yourself),
        "caller": None if trial.caller is None else _decision_to_public(trial.caller),
    }


def _decision_to_public(decision: Decision) -> dict[str, Any]:
    return {
        "address": None if decision.address is None else str(decision.address),
        "allowed": decision.allowed,
        "restriction": None if decision.rule is None else dataclasses.asdict(decision.rule),
    }


class RestrictionSchema(AnswerSchema):
    """Addresses or places that are let in or kept out."""

    id = fields.Integer()
    category = fields.String(validate=validate.OneOf(CATEGORIES))
    scope = fields.String(validate=validate.OneOf(SCOPES))
    value = fields.String()
    code = fields.Integer(metadata=described("The status with which callers are refused."))
    state = fields.String(validate=validate.OneOf(STATES))
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class _RuleSchema(AnswerSchema):
    """The content of a restriction."""

    category = fields.String(validate=validate.OneOf(CATEGORIES))
    scope = fields.String(validate=validate.OneOf(SCOPES))
    value = fields.String()
    code = fields.Integer()


class _TriedSchema(_RuleSchema):
    """The restriction that was checked."""

    state = fields.String(validate=validate.OneOf(STATES))


class _DecisionSchema(AnswerSchema):
    """What gateways would decide about a caller."""

    address = fields.String(allow_none=True)
    allowed = fields.Boolean()
    restriction = fields.Nested(
        _RuleSchema,
        allow_none=True,
        metadata=described("What decides; null: no restriction is about this caller."),
    )


class RestrictionCheckSchema(AnswerSchema):
    """What restrictions would decide if one more were added."""

    restriction = fields.Nested(_TriedSchema)
    locks_out_yourself = fields.Boolean(
        metadata=described("Whether adding it would be refused for this reason.")
    )
    yourself = fields.Nested(_DecisionSchema)
    caller = fields.Nested(
        _DecisionSchema,
        allow_none=True,
        metadata=described("The one with the given address, country or continent."),
    )
