"""Exchanges and queues that services agree on."""

import pytest

from shared.contracts.topology import (
    ACTIVITIES,
    ADMIN,
    AUDITS,
    IDENTITY,
    LEGACY_PREFIXES,
    MAILER,
    OAUTH,
    RESOURCE,
    RETRY_SECONDS,
    SUBSCRIPTIONS,
    WEBHOOKS,
    legacy_route,
    queues_of,
)


def test_each_service_receives_what_it_needs() -> None:
    assert {subscription.queue: set(subscription.events) for subscription in SUBSCRIPTIONS} == {
        "identity-svc": {"model.label.created", "model.label.updated", "model.label.deleted"},
        "resource-svc": {
            "model.user.created",
            "model.user.updated",
            "system.user.email.confirmed",
            "system.user.erased",
            "system.user.password.reset",
        },
        "admin-svc": {
            "model.user.created",
            "model.user.updated",
            *(f"model.label.{what}" for what in ("created", "updated", "deleted")),
            *(f"model.profile.{what}" for what in ("created", "updated")),
            *(f"model.phone.{what}" for what in ("created", "updated", "deleted")),
            "model.document.created",
            *(f"model.data_storage.{what}" for what in ("created", "deleted")),
            *(f"model.oauth_client.{what}" for what in ("created", "updated", "deleted")),
            *(f"model.webhook.{what}" for what in ("created", "updated", "deleted")),
            "system.user.erased",
        },
        "admin-svc.activities": {"system.activity.recorded"},
        "admin-svc.audits": set(),
        "mailer-svc": {
            *(f"model.user.{what}" for what in ("created", "updated")),
            *(f"model.label.{what}" for what in ("created", "updated", "deleted")),
            *(f"model.profile.{what}" for what in ("created", "updated")),
            *(f"model.phone.{what}" for what in ("created", "updated", "deleted")),
            "model.document.created",
            *(f"model.api_key.{what}" for what in ("created", "updated", "deleted")),
            *(f"model.passkey.{what}" for what in ("created", "updated", "deleted")),
            *(f"model.linked_account.{what}" for what in ("created", "deleted")),
            "system.session.create",
            "system.user.email.confirmation.token",
            "system.user.email.confirmed",
            "system.user.password.reset.token",
            "system.user.password.reset",
            "system.user.password.change",
            "system.user.otp.guessed",
            "system.user.email.change.token",
            "system.user.email.reversal.token",
            "system.session.mail.token",
            "system.user.recovery_codes.created",
            "system.user.recovery_code.used",
            "system.user.account.deleted",
            "system.document.verified",
            "system.document.rejected",
        },
        "webhooks-svc": set(WEBHOOKS.events),
        "oauth-svc": set(OAUTH.events),
    }
    assert {IDENTITY, RESOURCE, ADMIN, ACTIVITIES, AUDITS, MAILER, WEBHOOKS, OAUTH} == set(
        SUBSCRIPTIONS
    )


def test_no_two_queues_have_one_name() -> None:
    names = [
        name
        for subscription in SUBSCRIPTIONS
        for name in (
            subscription.queue,
            subscription.dead_letters,
            *map(subscription.retry, RETRY_SECONDS),
        )
    ]

    assert len(names) == len(set(names)) == len(SUBSCRIPTIONS) * (2 + len(RETRY_SECONDS))


def test_each_attempt_waits_longer_than_the_one_before() -> None:
    assert list(RETRY_SECONDS) == sorted(set(RETRY_SECONDS))


@pytest.mark.parametrize(
    ("name", "exchange", "key"),
    [
        ("model.user.created", "barong.events.model", "user.created"),
        (
            "system.user.email.confirmation.token",
            "barong.events.system",
            "user.email.confirmation.token",
        ),
        ("system.session.create", "barong.events.system", "session.create"),
    ],
)
def test_existing_subscribers_find_events_where_they_were(
    name: str, exchange: str, key: str
) -> None:
    assert legacy_route(name) == (exchange, key)
    assert exchange.rpartition(".")[2] in LEGACY_PREFIXES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.user.created", ("resource-svc", "admin-svc", "mailer-svc", "webhooks-svc")),
        ("system.user.password.reset.token", ("mailer-svc",)),
        ("model.label.deleted", ("identity-svc", "admin-svc", "mailer-svc", "webhooks-svc")),
        ("system.session.create", ("mailer-svc", "webhooks-svc")),
        ("system.session.revoked", ("webhooks-svc", "oauth-svc")),
        ("system.nothing.happened", ()),
        ("model.user", ()),
        ("model.user.created.x", ()),
    ],
)
def test_it_is_known_which_queues_must_get_an_event(name: str, expected: tuple[str, ...]) -> None:
    assert queues_of(name) == expected
