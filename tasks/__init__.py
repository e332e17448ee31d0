"""Celery's side: each task takes what the process has at hand and calls one function of `connector`."""
