"""Every alert fires where it should, alone, and none while all is well."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.alert_rules import RESOURCE, RULES, resource
from tests.deploy.manifests import SERVICES, of_kind
from tests.deploy.promql import metrics_named, promtool, told
from tests.support.kustomize import rendered

GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
DAY = 86_400


def calls(route: str, status: int) -> str:
    labels = f'service="authz-gateway",instance="g1",method="GET",route="{route}",status="{status}"'
    return f"http_requests_total{{{labels}}}"


def slower(seconds: str) -> str:
    labels = f'service="authz-gateway",instance="g1",method="GET",route="/a",le="{seconds}"'
    return f"http_request_duration_seconds_bucket{{{labels}}}"


def of_queue(metric: str, queue: str, service: str = "") -> str:
    service = service or queue.partition(".")[0]
    return f'{metric}{{service="{service}",instance="{service}-1",queue="{queue}"}}'


def of(service: str, metric: str, labels: str = "") -> str:
    return f'{metric}{{service="{service}",instance="{service}-1"{labels and "," + labels}}}'


QUEUES = (
    "identity-svc",
    "resource-svc",
    "admin-svc",
    "admin-svc.activities",
    "mailer-svc",
    "webhooks-svc",
    "oauth-svc",
)
HEALTHY = {
    **{of(service, "up"): "1x500" for service in SERVICES},
    **{of(service, "process_open_fds"): "100x500" for service in SERVICES},
    **{of(service, "process_max_fds"): "1024x500" for service in SERVICES},
    calls("/a", 200): "0+6000x500",
    calls("/a", 503): "0+6x500",
    calls("/b", 200): "0+6000x500",
    calls("/b", 502): "0+6x500",
    slower("0.5"): "0+6000x500",
    slower("2.5"): "0+6001x500",
    slower("+Inf"): "0+6001x500",
    of("authz-gateway", "gateway_decisions_total", 'reason="allowed"'): "0+6000x500",
    of("authz-gateway", "gateway_decisions_total", 'reason="authz.invalid_session"'): "0+200x500",
    of("authz-gateway", "gateway_policy_age_seconds"): "4x500",
    of("authz-gateway", "gateway_hears_events"): "1x500",
    of("authz-gateway", "gateway_rates_shared"): "1x500",
    of("authz-gateway", "gateway_rates_shared", 'pod="alone"'): 500 * "NaN ",
    of("authz-gateway", "gateway_audits_total", 'result="succeed",kept="queue"'): "0+60x500",
    of("authz-gateway", "gateway_audits_total", 'result="succeed",kept="admin-svc"'): "3x500",
    of("authz-gateway", "gateway_audits_total", 'result="denied",kept="nowhere"'): "0x500",
    of("identity-svc", "passwords_waiting"): "8x500",
    of("identity-svc", "signing_key_age_seconds"): f"{29 * DAY}+60x500",
    of("admin-svc", "activity_partitions_ahead"): "3x500",
    of("admin-svc", "outbox_oldest_seconds"): "0.2x500",
    of("identity-svc", "outbox_connection_blocked"): "0x500",
    of("mailer-svc", "mails_total", 'mail="password_reset",outcome="sent"'): "0+60x500",
    of("resource-svc", "phone_codes_total", 'outcome="issued"'): "0+6x500",
    of("resource-svc", "phone_codes_total", 'outcome="ceiling"'): "0x500",
    **{of_queue("queue_lag_seconds", queue): "1x500" for queue in QUEUES},
    **{of_queue("queue_dead_letters", queue): "0x500" for queue in QUEUES},
}
"""Six hours in which all is well, a sample a minute."""

LATE = 350
"""When something happens: the minute that is looked at is the 400th."""


def then(before: str, after: str) -> str:
    """A series that changes while it is watched."""
    return f"{before}x{LATE} {after}x150"


TROUBLES: dict[str, dict[str, str]] = {
    "ServiceDown": {of("resource-svc", "up"): then("1", "0")},
    "ServiceMissing": {of("resource-svc", "up"): f"1x{LATE}"},
    "FilesRunOut": {of("authz-gateway", "process_open_fds"): "900x500"},
    "CallsFail": {calls("/a", 503): "0+600x500"},
    "UpstreamFails": {calls("/b", 502): "0+400x500", calls("/a", 200): "0+60000x500"},
    "DependencyAway": {
        of("authz-gateway", "gateway_decisions_total", 'reason="server.unavailable"'): "0+60x500"
    },
    "UnforeseenErrors": {calls("/a", 500): "0+1x500"},
    "CallsAreSlow": {slower("+Inf"): "0+6600x500", slower("2.5"): "0+6600x500"},
    "PasswordsQueue": {of("identity-svc", "passwords_waiting"): then("8", "80")},
    "DenialsSpike": {
        of("authz-gateway", "gateway_decisions_total", 'reason="authz.invalid_session"'): (
            "0+200x380 76000+30000x100"
        )
    },
    "OutboxStuck": {of("admin-svc", "outbox_oldest_seconds"): f"0x{LATE} 0+60x150"},
    "QueueRefusesEvents": {
        of("identity-svc", "outbox_refusing_queue", 'queue="theirs"'): f"_x{LATE} 1x150"
    },
    "BrokerBlocksEvents": {of("identity-svc", "outbox_connection_blocked"): then("0", "1")},
    "QueueUnread": {of_queue("queue_lag_seconds", "mailer-svc"): f"1x{LATE}" + 150 * " NaN"},
    "SubscriberLags": {of_queue("queue_lag_seconds", "admin-svc.activities"): then("1", "90")},
    "DirectoryLags": {of_queue("queue_lag_seconds", "admin-svc"): then("1", "45")},
    "DeadLetters": {of_queue("queue_dead_letters", "identity-svc"): then("0", "1")},
    "WebhookDisabled": {
        of("webhooks-svc", "webhook_endpoints_disabled_total", 'reason="failing"'): "0x395 1x100"
    },
    "WebhooksLate": {of("webhooks-svc", "webhook_oldest_due_seconds"): then("0", "600")},
    "MailsFail": {
        of("mailer-svc", "mails_total", 'mail="password_reset",outcome="waiting"'): "0+6x500"
    },
    "PolicyStale": {of("authz-gateway", "gateway_policy_age_seconds"): f"4x{LATE} 4+60x150"},
    "GatewayDeaf": {of("authz-gateway", "gateway_hears_events"): then("1", "0")},
    "RatesNotShared": {of("authz-gateway", "gateway_rates_shared"): then("1", "0")},
    "AuditsByFallback": {
        of("authz-gateway", "gateway_audits_total", 'result="succeed",kept="admin-svc"'): (
            "3x395 4x100"
        )
    },
    "AuditsLost": {
        of("authz-gateway", "gateway_audits_total", 'result="denied",kept="nowhere"'): "0x395 1x99"
    },
    "PhoneCeilingReached": {
        of("resource-svc", "phone_codes_total", 'outcome="ceiling"'): "0x395 3x100"
    },
    "PartitionsMissing": {of("admin-svc", "activity_partitions_ahead"): "1x500"},
    "SigningKeyOld": {of("identity-svc", "signing_key_age_seconds"): f"{36 * DAY}+60x500"},
}


def fires(tmp_path: Path, world: dict[str, str], expected: list[str]) -> None:
    """Has promtool compare the alerts that fire after 400 minutes."""
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": k, "values": v} for k, v in world.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "400m",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected
                        ],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_rules_and_configuration() -> None:
    done = promtool("check", "config", "--lint-fatal", str(RULES.with_name("prometheus.yml")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


def test_no_alert_fires_while_all_is_well(tmp_path: Path) -> None:
    fires(tmp_path, HEALTHY, [])


def test_every_alert_has_its_trouble() -> None:
    assert TROUBLES.keys() == ALERTS.keys()


@pytest.mark.parametrize("alert", TROUBLES)
def test_each_trouble_makes_its_alert_fire_and_no_other(alert: str, tmp_path: Path) -> None:
    fires(tmp_path, {**HEALTHY, **TROUBLES[alert]}, [alert])


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_what_is_wrong_and_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "action", "runbook"}
    for sentence in (rule["annotations"]["summary"], rule["annotations"]["action"]):
        assert len(sentence) > 30
        assert sentence.endswith(".")


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_goes_by_metrics_that_there_are(alert: str) -> None:
    named = metrics_named(ALERTS[alert]["expr"])
    assert named
    assert named <= told() | {"up"}


def test_kubernetes_gets_the_same_rules() -> None:
    assert RESOURCE.read_text() == resource(), "`make alerts` copies them"
    (rule,) = of_kind(rendered("k8s/overlays/production"), "PrometheusRule").values()
    assert rule["spec"]["groups"] == GROUPS
