"""Deliveries over HTTP."""

from aiohttp import web

from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers
from webhooks_svc.deliveries.models import DeliveryNotFound, InvalidSpan
from webhooks_svc.deliveries.schemas import (
    DeliveryForm,
    ListDeliveriesForm,
    ResendForm,
    ResentDeliveriesSchema,
    WebhookDeliverySchema,
    WebhookTestSchema,
    delivery_to_public,
    outcome_to_public,
)
from webhooks_svc.deliveries.use_cases import Deliveries
from webhooks_svc.endpoints.models import EndpointNotFound
from webhooks_svc.endpoints.schemas import EndpointForm

DELIVERIES = web.AppKey("deliveries", Deliveries)


@operation(
    answer=WebhookDeliverySchema(many=True),
    headers=BY_PAGE,
    refuses=(EndpointNotFound,),
    beyond_barong=True,
)
async def index(request: web.Request, form: ListDeliveriesForm) -> web.Response:
    """The log of an endpoint, the newest first."""
    page, total = await request.app[DELIVERIES].list_page(form.id, form.state, *form.window)
    headers = page_headers(request.rel_url, form, total)
    return answer([delivery_to_public(delivery) for delivery in page], headers=headers)


@operation(
    status=202, answer=WebhookDeliverySchema, refuses=(DeliveryNotFound,), beyond_barong=True
)
async def resend(request: web.Request, form: DeliveryForm) -> web.Response:
    """Send a delivery again."""
    delivery = await request.app[DELIVERIES].resend(form.id, form.delivery_id)
    return answer(delivery_to_public(delivery))


@operation(
    status=202,
    answer=ResentDeliveriesSchema,
    refuses=(EndpointNotFound, InvalidSpan),
    beyond_barong=True,
)
async def resend_span(request: web.Request, form: ResendForm) -> web.Response:
    """Send the deliveries of a span of time again.

    `since` and `until` are in seconds since the epoch; without `until`: up to now. At most 10,000
    deliveries, the oldest first.
    """
    failed_only = form.failed_only is not False
    number = await request.app[DELIVERIES].resend_span(form.id, *form.span, failed_only=failed_only)
    return answer({"deliveries": number})


@operation(answer=WebhookTestSchema, refuses=(EndpointNotFound,), beyond_barong=True)
async def test(request: web.Request, form: EndpointForm) -> web.Response:
    """Send a test event now."""
    outcome, seconds = await request.app[DELIVERIES].test(form.id)
    return answer(outcome_to_public(outcome, seconds))
