"""A real Kubernetes on this machine: what admits the manifests, and what drills them."""
