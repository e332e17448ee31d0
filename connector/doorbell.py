"""The doorbell: tells whatever workers there are that a sync may have something due."""

from collections.abc import Callable, Iterable

from celery import Celery
from celery.app.utils import find_app

Ring = Callable[[Iterable[str]], None]


def application() -> Celery:
    """The Celery application, found by name as `celery -A tasks` finds it: `connector` imports no tasks."""
    found: Celery = find_app("tasks")
    return found


def ring(app: Celery) -> Ring:
    """Rings through the broker of `app`."""

    def ring(syncs: Iterable[str]) -> None:
        for sync in sorted(syncs):
            app.send_task("tasks.delivery.deliver", args=(sync,))

    return ring
