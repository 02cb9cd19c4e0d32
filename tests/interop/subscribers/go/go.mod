module barong/tests/interop/subscribers

go 1.24.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/rabbitmq/amqp091-go v1.16.0
)
