"""Operations: a handler with all that its callers have to know about it.

The API document is made of these declarations; nothing of it is written anywhere else.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_origin

from aiohttp import web
from marshmallow.fields import Field

from shared.answer_schemas import AnswerSchema
from shared.errors import Refusal
from shared.web.bodies import FileReceiver
from shared.web.pagination import PageHeaders
from shared.web.parameters import read_form

F = TypeVar("F")

Handler: TypeAlias = Callable[[web.Request, F], Awaitable[web.StreamResponse]]
"""What serves a request, with its parameters as the form of the second argument's annotation."""

Content: TypeAlias = AnswerSchema | type[AnswerSchema] | Field[Any]
"""What an answer's body is: a model (`many=True` for a list of them), or another value."""


@dataclass(frozen=True, slots=True)
class NoParameters:
    """The form of an operation without parameters."""


@dataclass(frozen=True, slots=True)
class FormReader(Generic[F]):
    """Takes the place of a form if the handler stores uploaded files while they arrive."""

    request: web.Request
    form: type[F]
    missing_is_400: bool

    async def read(self, files: FileReceiver) -> F:
        """The form, after `files` has received all files; raises what `read_form` raises."""
        return await read_form(
            self.request, self.form, missing_is_400=self.missing_is_400, files=files
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[F]):
    """A handler, its form, and what `operation` declares; an internal one declares nothing."""

    handler: Handler[F]
    form: type[Any]
    reads_body: bool
    """Whether the handler gets a `FormReader`."""
    status: int | None = None
    answer: Content | None = None
    other_types: Mapping[str, Content] = field(default_factory=dict)
    headers: PageHeaders | None = None
    refuses: Collection[type[Refusal] | Refusal] = ()
    statuses: Collection[int] = ()
    missing_is_400: bool = False
    beyond_barong: bool = False

    @property
    def summary(self) -> str:
        """The first sentence of the handler's docstring, without its full stop."""
        return self._paragraphs()[0].removesuffix(".")

    @property
    def note(self) -> str:
        """The rest of the handler's docstring."""
        return "\n\n".join(self._paragraphs()[1:])

    def _paragraphs(self) -> list[str]:
        text = inspect.getdoc(self.handler) or ""
        return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def operation(
    *,
    status: int = 200,
    answer: Content | None = None,
    other_types: Mapping[str, Content] | None = None,
    headers: PageHeaders | None = None,
    refuses: Collection[type[Refusal] | Refusal] = (),
    statuses: Collection[int] = (),
    missing_is_400: bool = False,
    beyond_barong: bool = False,
) -> Callable[[Handler[F]], Operation[F]]:
    """Declares a handler to be an operation of the public API.

    Its form is the annotation of the second argument. The first paragraph of its docstring is the
    summary in the API document, and the rest is the description.

    `status` is that of a success, which gets it whatever status the handler gave it. Its body is
    `answer`; None is no body. `other_types` are other
    content types in which the answer can be had. `headers` are those of a list's page.

    `refuses` are refusals, whose statuses and codes are documented. The codes of parameters come
    from the form: with `missing_is_400`, absent and blank parameters are answered with 400 instead
    of 422. `statuses` are further ones that clients may meet, whose codes any operation can have.

    `beyond_barong`: the operation is not part of Barong 2.4.
    """

    def declare(handler: Handler[F]) -> Operation[F]:
        form, reads_body = _form_of(handler)
        return Operation(
            handler=handler,
            form=form,
            reads_body=reads_body,
            status=status,
            answer=answer,
            other_types=other_types or {},
            headers=headers,
            refuses=refuses,
            statuses=statuses,
            missing_is_400=missing_is_400,
            beyond_barong=beyond_barong,
        )

    return declare


def operation_of(handler: Handler[F] | Operation[F]) -> Operation[F]:
    """The operation; a handler that declares none is one of the internal API."""
    if isinstance(handler, Operation):
        return handler
    form, reads_body = _form_of(handler)
    return Operation(handler=handler, form=form, reads_body=reads_body)


def _form_of(handler: Handler[Any]) -> tuple[type[Any], bool]:
    """The form of a handler, and whether it reads the body itself."""
    _, parameter = inspect.signature(handler).parameters.values()
    if get_origin(parameter.annotation) is FormReader:
        return get_args(parameter.annotation)[0], True
    return parameter.annotation, False
