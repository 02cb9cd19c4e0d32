"""External authorization for Envoy over gRPC: envoy.service.auth.v3.Authorization."""
