"""The fields of forms declare every code that they give: the API document is made of these."""

from collections.abc import Hashable, Iterator
from typing import Any, cast

import pytest
from marshmallow import ValidationError, missing
from marshmallow.fields import Field

import admin_svc.routes
import identity_svc.routes
import oauth_svc.routes
import resource_svc.routes
import webhooks_svc.routes
from shared.declared import schema_of
from shared.web.fields import CheckedField

ODD: tuple[Any, ...] = (
    *(missing, None, "", " ", "\u200b", "x", "x" * 11_000, "\x01", "a\nb", "a b", "0", "-1", "1.5"),
    *("9" * 18, "9" * 30, "2026-02-30", "31/12/1999", "2026-01-01T25:00", "true", "[]", "[1]"),
    *(0, -1, 10**12, 10**30, 1.5, True, [], ["x"], [1], {}, {"a": {}}),
)


def fields() -> Iterator[Any]:
    for module in (
        *(identity_svc.routes, resource_svc.routes, admin_svc.routes),
        webhooks_svc.routes,
        oauth_svc.routes,
    ):
        seen = set()
        for route in module.PUBLIC:
            form = route.operation.form
            for name, field in schema_of(cast(Hashable, form)).fields.items():
                if (form, name) not in seen:
                    seen.add((form, name))
                    yield pytest.param(field, id=f"{form.__module__}.{form.__name__}.{name}")


@pytest.mark.parametrize("field", list(fields()))
def test_every_code_of_a_field_is_declared(field: Field[Any]) -> None:
    assert isinstance(field, CheckedField)
    given = set()
    for data in ({}, {"state": 1, "otp": 1}):
        for value in ODD:
            try:
                field.deserialize(value, "x", data)
            except ValidationError as error:
                given.update(cast(list[str], error.messages))
    assert given <= set(field.codes())
