"""Every URL of the gateway; what lies behind the last one, the routes file says."""

from aiohttp import web

from authz_gateway import handlers
from authz_gateway.routing.table import DECISION_PATH

PUBLIC = (
    web.route("*", DECISION_PATH, handlers.decide_only),
    web.route("*", DECISION_PATH + "/{path:(?s:.*)}", handlers.decide_only),
    web.route("*", "/{path:(?s:.*)}", handlers.forward),
)
