"""What becomes of the codes that users ask for."""

from prometheus_client import CollectorRegistry, Counter

OUTCOMES = ("issued", "user", "number", "ceiling", "country", "kind")


def codes_counter(registry: CollectorRegistry) -> Counter:
    """Counts codes by outcome: issued, or what refused them."""
    counter = Counter(
        "phone_codes",
        "Codes for phones that were asked for, by what became of them.",
        ("outcome",),
        registry=registry,
    )
    for outcome in OUTCOMES:
        counter.labels(outcome)
    return counter
