"""Celery's side: each task takes what its process has open and calls one function of `connector`."""

from connector import garbage

garbage.look_seldom()
