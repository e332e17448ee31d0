"""Requests about one user: find, delete, prove."""
