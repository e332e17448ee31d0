"""Keeps Customer.io holding exactly the people your segments say it should. Start reading in docs/architecture.md."""

__version__ = "0.1.0"
