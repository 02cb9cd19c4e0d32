// Package definitions names the API packages of the operators that k8s/overlays/production relies on.
package definitions

import (
	_ "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	_ "github.com/cloudnative-pg/plugin-barman-cloud/api/v1"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	_ "github.com/rabbitmq/cluster-operator/v2/api/v1beta1"
	_ "github.com/rabbitmq/messaging-topology-operator/api/v1beta1"
)
