"""Operations as a real application serves them, and what their declarations say."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from shared.declared import declared
from shared.web.answers import answer, nothing
from shared.web.bodies import FileReceiver
from shared.web.fields import Text
from shared.web.operations import FormReader, NoParameters, operation, operation_of
from shared.web.routes import ANYONE, Route
from tests.unit.shared.builders import served


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A form."""

    name: str = declared(Text(missing=["missing_name"], empty="empty_name"))


@operation(status=201)
async def create(_request: web.Request, form: Thing) -> web.Response:
    """Add a thing;
    it is new.

    It cannot
    be removed.

    Nor changed.
    """
    return answer({"name": form.name})


@operation(status=201)
async def push(_request: web.Request, _form: NoParameters) -> web.Response:
    """Push it."""
    return nothing()


async def upload(_request: web.Request, reader: FormReader[Thing]) -> web.Response:
    files: FileReceiver | None = None
    return answer([reader.form.__name__, reader.missing_is_400, files])


async def inside(_request: web.Request, _form: NoParameters) -> web.Response:
    return answer({}, 202)


ROUTES = (
    Route("POST", "/things", ANYONE, create),
    Route("POST", "/push", ANYONE, push),
    Route("POST", "/upload", ANYONE, operation(missing_is_400=True)(upload)),
    Route("POST", "/inside", ANYONE, inside),
)


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with served(ROUTES) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "form", "status", "body"),
    [
        ("/things", {"name": "a"}, 201, b'{"name":"a"}'),
        ("/things", {}, 422, b'{"errors": ["missing_name"]}'),
        ("/push", {}, 201, b""),
        ("/upload", {}, 200, b'["Thing",true,null]'),
        ("/inside", {}, 202, b"{}"),
    ],
)
async def test_a_success_has_the_declared_status(
    address: str, path: str, form: dict[str, str], status: int, body: bytes
) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(address + path, data=form) as response,
    ):
        assert (response.status, await response.read()) == (status, body)


def test_the_docstring_is_summary_and_description() -> None:
    assert create.summary == "Add a thing; it is new"
    assert create.note == "It cannot be removed.\n\nNor changed."
    assert (push.summary, push.note) == ("Push it", "")


def test_the_form_is_the_annotation_of_the_second_argument() -> None:
    assert (create.form, create.reads_body) == (Thing, False)
    assert (operation_of(upload).form, operation_of(upload).reads_body) == (Thing, True)
    assert operation_of(inside).form is NoParameters
