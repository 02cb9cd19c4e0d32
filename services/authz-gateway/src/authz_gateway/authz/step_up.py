"""Step-up: routes that ask for a recent or a strong authentication (RFC 9470)."""

from authz_gateway.routing.route_table import Route
from shared.contracts.authentication import StepUpRequired, reaches
from shared.values.principal import Principal


def suffices(route: Route, caller: Principal, now: float) -> bool:
    """Whether the caller was authenticated as the route asks; `now` in seconds since the epoch.

    Calls with API keys have no session, and their callers were never authenticated.
    """
    if route.max_age is not None and (
        caller.auth_time is None or now - caller.auth_time > route.max_age
    ):
        return False
    return route.acr is None or reaches(caller.acr, route.acr)


def require_step_up(route: Route, caller: Principal, now: float) -> None:
    """Raises `StepUpRequired` unless the caller's authentication suffices for the route."""
    if not suffices(route, caller, now):
        raise StepUpRequired(max_age=route.max_age, acr=route.acr)
