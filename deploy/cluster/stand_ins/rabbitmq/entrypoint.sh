#!/bin/sh
set -eu
export RABBITMQ_LOGS=- RABBITMQ_CONFIG_FILES=/etc/rabbitmq/conf.d
exec /usr/lib/rabbitmq/bin/rabbitmq-server
