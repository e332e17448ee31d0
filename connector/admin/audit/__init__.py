"""Comparing what Customer.io holds with what the store says it holds."""
