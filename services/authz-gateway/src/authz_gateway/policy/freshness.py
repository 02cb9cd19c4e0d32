"""How much a gateway's memory can be trusted, as operators are told."""

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.policy.current import CurrentPolicy, Ear


def tell_freshness(policy: CurrentPolicy, ear: Ear, registry: CollectorRegistry) -> None:
    """Adds the policy's age, and whether changes are heard of, to the metrics."""
    Gauge(
        "gateway_policy_age_seconds",
        "Time since admin-svc last confirmed the policy in force; +Inf before there is one.",
        registry=registry,
    ).set_function(lambda: policy.age)
    Gauge(
        "gateway_hears_events",
        "1 while changes are heard of at once, 0 while the gateway has to ask for them.",
        registry=registry,
    ).set_function(lambda: float(ear.listening))
