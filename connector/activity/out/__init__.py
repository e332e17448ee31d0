"""Out again: what Customer.io has reported goes on to an HTTP address, or to an exchange of RabbitMQ."""
