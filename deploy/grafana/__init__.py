"""The dashboard of Grafana, and what brings it there."""
