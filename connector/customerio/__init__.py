"""Speaks to Customer.io's APIs over HTTP: the only place that knows httpx."""
