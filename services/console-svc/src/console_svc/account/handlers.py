"""The first page of an account."""

from aiohttp import web

from console_svc.pages.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """Who one is, and what is left to do."""
    labels = {label["key"]: label["value"] for label in visit.me["labels"]}
    return visit.page("account/overview.html", labels=labels)
