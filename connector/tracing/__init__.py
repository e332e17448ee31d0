"""One trace from upstream's message to what Customer.io has confirmed, by OpenTelemetry (docs/monitor.md#traces)."""
