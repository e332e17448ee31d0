"""The HTTP doors: they take in messages and webhooks, and give profiles, metrics and health."""
