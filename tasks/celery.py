"""The Celery application: `celery -A tasks worker` finds it here."""

from celery import Celery

from tasks.base import options
from tasks.segment_changes import Backfill, SegmentChanges
from tasks.worker import FleetConsumer

app = Celery("connector", include=["tasks.changes", "tasks.delivery", "tasks.jobs", "tasks.sources", "tasks.upkeep"])
app.add_defaults(options)
app.conf.worker_consumer = FleetConsumer
app.steps["consumer"].update((SegmentChanges, Backfill))
# The worker of embedded mode runs in a thread, where no application is the current one unless it is everybody's.
app.set_default()
