"""`make alerts`: Prometheus' alert rules as the resource that its operator in Kubernetes reads."""

import textwrap
from pathlib import Path

RULES = Path(__file__).parent / "prometheus" / "alerts.yaml"
RESOURCE = Path(__file__).parents[1] / "k8s" / "overlays" / "production" / "alerts.yaml"

_HEAD = """\
# Made of deploy/prometheus/alerts.yaml by `make alerts`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: barong
spec:
"""


def resource() -> str:
    """The manifest, in YAML."""
    return _HEAD + textwrap.indent(RULES.read_text(), "  ")


if __name__ == "__main__":
    RESOURCE.write_text(resource())
