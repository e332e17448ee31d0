"""The way back: what Customer.io reports of people, by webhooks, becomes activities and profiles."""
