"""Alerts: the promises of freshness, the rules by which alerts open and recover, and the channels that tell of them."""
