"""The Helm chart `barong`, which is made of the kustomize manifests: `make chart`."""
