"""Endpoints of webhooks, and their deliveries."""

import asyncio
from uuid import UUID

from aiohttp import web

from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/console/webhooks"
_ENDPOINTS_PER_PAGE = "10"
_DELIVERIES_PER_PAGE = "50"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """All endpoints, page by page."""
    return await _page(visit, secret="", tested=None)


async def add(visit: Visit) -> web.StreamResponse:
    """Adds an endpoint; its secret is shown this once."""
    form = {name: visit.text(name) for name in ("url", "events", "description")}
    answer = await visit.call("POST", "admin/webhooks", form)
    visit.forget_form()
    return await _page(visit, secret=str(answer.body["secret"]), tested=None)


async def change_state(visit: Visit) -> web.StreamResponse:
    """Enables or disables an endpoint."""
    await visit.send("PUT", f"admin/webhooks/{_id(visit)}", "state")
    return visit.go(_PAGE, "endpoint_changed", **visit.same_page)


async def test(visit: Visit) -> web.StreamResponse:
    """Sends an example, and shows what the endpoint answered."""
    answer = await visit.call("POST", f"admin/webhooks/{_id(visit)}/test", {})
    return await _page(visit, secret="", tested=answer.body)


async def remove(visit: Visit) -> web.StreamResponse:
    """Removes an endpoint."""
    await visit.call("DELETE", f"admin/webhooks/{_id(visit)}", {})
    return visit.go(_PAGE, "endpoint_removed", **visit.same_page)


@Eager
async def show_deliveries(visit: Visit) -> web.StreamResponse:
    """An endpoint as a whole, and its newest deliveries."""
    own = _id(visit)
    endpoint, answer = await asyncio.gather(
        visit.get(f"admin/webhooks/{own}"),
        visit.get(
            f"admin/webhooks/{own}/deliveries",
            page=str(visit.page_number),
            limit=_DELIVERIES_PER_PAGE,
        ),
    )
    return visit.page(
        "webhooks/deliveries.html",
        endpoint=endpoint.body,
        deliveries=answer.body,
        number=visit.page_number,
        more='rel="next"' in answer.headers.get("Link", ""),
    )


async def resend(visit: Visit) -> web.StreamResponse:
    """Sends a delivery again."""
    own, delivery = _id(visit), _uuid(visit.text("delivery"))
    await visit.call("POST", f"admin/webhooks/{own}/deliveries/{delivery}/resend", {})
    return visit.go(f"{_PAGE}/{own}/deliveries", "delivery_resent")


async def _page(visit: Visit, secret: str, tested: object) -> web.Response:
    number = visit.page_number
    answer = await visit.get("admin/webhooks", page=str(number), limit=_ENDPOINTS_PER_PAGE)
    return visit.page(
        "webhooks/webhooks.html",
        endpoints=answer.body,
        secret=secret,
        tested=tested,
        number=number,
        more='rel="next"' in answer.headers.get("Link", ""),
    )


def _id(visit: Visit) -> str:
    return _uuid(visit.path["id"])


def _uuid(text: str) -> str:
    if text.isascii() and text.isdecimal() and len(text) < 20:
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise NotFound from None
