"""RabbitMQ, or the in-process broker: queues, publishing with confirmations, dead letters, doorbells."""
