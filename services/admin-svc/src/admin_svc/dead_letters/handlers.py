"""Dead letters over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.dead_letters.schemas import (
    ChooseDeadLettersForm,
    DeadLetterSchema,
    ListDeadLettersForm,
    NoChoice,
    NumberOfDeadLettersSchema,
    letter_to_public,
)
from admin_svc.dead_letters.use_cases import DeadLetters, NoQueueOfOurs
from shared.messaging.dead_letters import NoDeadLetter
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation
from shared.web.pagination import MAX_LIMIT
from shared.web.principal import PRINCIPAL

DEAD_LETTERS = web.AppKey("dead_letters", DeadLetters)


@operation(answer=NumberOfDeadLettersSchema(many=True), beyond_barong=True)
async def counts(request: web.Request, _form: NoParameters) -> web.Response:
    """How many events could not be handled, by queue."""
    found = await request.app[DEAD_LETTERS].counts()
    return answer([{"queue": queue, "number": number} for queue, number in found.items()])


@operation(answer=DeadLetterSchema(many=True), refuses=(NoQueueOfOurs,), beyond_barong=True)
async def index(request: web.Request, form: ListDeadLettersForm) -> web.Response:
    """Events that could not be handled, the oldest first."""
    letters = await request.app[DEAD_LETTERS].list_oldest(form.queue, form.limit or MAX_LIMIT)
    return answer([letter_to_public(each) for each in letters])


_REFUSES = (NoQueueOfOurs, NoDeadLetter, NoChoice)


@operation(status=201, answer=NumberOfDeadLettersSchema, refuses=_REFUSES, beyond_barong=True)
async def replay(request: web.Request, form: ChooseDeadLettersForm) -> web.Response:
    """Have dead letters handled again.

    The one with the given `id`, or with `all` the oldest thousand.
    """
    actor = Actor.of(request[PRINCIPAL])
    number = await request.app[DEAD_LETTERS].replay(actor, form.queue, form.chosen)
    return answer({"queue": form.queue, "number": number})


@operation(answer=NumberOfDeadLettersSchema, refuses=_REFUSES, beyond_barong=True)
async def drop(request: web.Request, form: ChooseDeadLettersForm) -> web.Response:
    """Delete dead letters for good.

    The one with the given `id`, or with `all` the oldest thousand.
    """
    actor = Actor.of(request[PRINCIPAL])
    number = await request.app[DEAD_LETTERS].drop(actor, form.queue, form.chosen)
    return answer({"queue": form.queue, "number": number})
