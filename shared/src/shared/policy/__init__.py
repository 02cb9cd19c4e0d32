"""How permissions decide: one evaluation, for gateways and for dry runs."""
