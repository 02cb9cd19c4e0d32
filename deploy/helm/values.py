"""The chart's values: their defaults, taken from the base, and their schema."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_HEAD = """\
# Made of k8s by `make chart`; docs/operators/helm.md explains it.
"""
_TEXT = {"type": "string"}
_SWITCH = {"type": "boolean"}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_PEERS = {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}}
_OF_SECRETS = "(?:PASSWORD|SECRET|TOKEN|KEY|KEYS|ACCESS_KEY_ID|DATABASE_URL|AMQP_URL|ACCOUNT_SID)$"


def defaults(base: Sequence[Mapping[str, Any]]) -> str:
    """The text of values.yaml."""
    parts = {
        "Images are <registry>/<repository>/<name>:<tag>; the tag is appVersion unless given.": {
            "image": {
                "registry": "",
                "repository": "barong",
                "tag": "",
                "pullPolicy": "",
                "pullSecrets": [],
            }
        },
        "Settings of all services (docs/operators/settings.md). Secrets do not belong here.": {
            "settings": _settings(base)
        },
        "Files of deploy/config to replace, by their names: `levels.yaml: |`.": {"config": {}},
        "Each service: pods, resources, and settings of its own.": {"services": _services(base)},
        "Migrations and cron jobs.": {"jobs": {"resources": _job_resources(base)}},
        "Where PostgreSQL is, for network policies; and a Secret with the certificate of its"
        " authority, mounted at /etc/postgres.": {
            "postgres": {
                "peers": [{"podSelector": {"matchLabels": {"barong.io/part": "postgres"}}}],
                "port": 5432,
                "ca": {"secret": "", "key": "ca.crt"},
            }
        },
        "Where RabbitMQ is, for network policies.": {
            "rabbitmq": {
                "peers": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "rabbitmq"}}}],
                "port": 5672,
            }
        },
        "Who may talk to whom; needs a CNI that enforces it.": {
            "networkPolicies": {"enabled": True}
        },
        "A way in.": {
            "ingress": {
                "enabled": False,
                "className": "",
                "host": "",
                "tlsSecret": "",
                "annotations": {},
            }
        },
        "PodMonitor and PrometheusRule of the Prometheus operator.": {
            "monitoring": {"enabled": False}
        },
    }
    return _HEAD + "".join(
        f"\n# {comment}\n{yaml.safe_dump(part, sort_keys=False, width=100)}"
        for comment, part in parts.items()
    )


def schema(base: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """values.schema.json (JSON Schema, draft 7): everything that is unknown is refused."""
    resources = {"type": "object", "properties": {"requests": _amounts(), "limits": _amounts()}}
    settings = {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$", "not": {"pattern": _OF_SECRETS}},
        "additionalProperties": _TEXT,
    }
    service = _object(
        minReplicas={"type": "integer", "minimum": 1},
        maxReplicas={"type": "integer", "minimum": 1},
        resources=resources,
        env=settings,
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_object(
            image=_object(
                registry=_TEXT,
                repository=_TEXT,
                tag={"type": "string", "pattern": "^[\\w.-]{0,128}$"},
                pullPolicy={"enum": ["", "Always", "IfNotPresent", "Never"]},
                pullSecrets={"type": "array", "items": _TEXT},
            ),
            settings=settings,
            config={
                "type": "object",
                "propertyNames": {"enum": sorted(_config_files(base))},
                "additionalProperties": _TEXT,
            },
            services=_object(**dict.fromkeys(_services(base), service)),
            jobs=_object(resources=resources),
            postgres=_object(peers=_PEERS, port=_PORT, ca=_object(secret=_TEXT, key=_TEXT)),
            rabbitmq=_object(peers=_PEERS, port=_PORT),
            networkPolicies=_object(enabled=_SWITCH),
            ingress={
                **_object(
                    enabled=_SWITCH,
                    className=_TEXT,
                    host=_TEXT,
                    tlsSecret=_TEXT,
                    annotations={"type": "object", "additionalProperties": _TEXT},
                ),
                "if": {"properties": {"enabled": {"const": True}}},
                "then": {"properties": {"host": {"minLength": 1}}},
            },
            monitoring=_object(enabled=_SWITCH),
            **{"global": {"type": "object"}},
        ),
    }


def _object(**properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _amounts() -> Mapping[str, Any]:
    return {"type": "object", "additionalProperties": {"type": ["string", "integer", "number"]}}


def _settings(base: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    return next(
        each["data"] for each in base if each["metadata"]["name"].startswith("barong-settings-")
    )


def _config_files(base: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    return next(
        each["data"] for each in base if each["metadata"]["name"].startswith("barong-config-")
    )


def _services(base: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    scaled = {
        each["metadata"]["name"]: each["spec"]
        for each in base
        if each["kind"] == "HorizontalPodAutoscaler"
    }
    made = {}
    for each in base:
        if each["kind"] == "Deployment":
            name = each["metadata"]["name"]
            (container,) = each["spec"]["template"]["spec"]["containers"]
            made[name] = {
                "minReplicas": scaled[name]["minReplicas"],
                "maxReplicas": scaled[name]["maxReplicas"],
                "resources": container["resources"],
                "env": {one["name"]: one["value"] for one in container.get("env", ())},
            }
    return made


def _job_resources(base: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    resources: Mapping[str, Any] = next(
        each["spec"]["template"]["spec"]["containers"][0]["resources"]
        for each in base
        if each["kind"] == "Job"
    )
    return resources
