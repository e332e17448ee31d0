"""The Celery application: `celery -A tasks worker` finds it here."""

from celery import Celery

from tasks.base import options
from tasks.consumer import FleetConsumer
from tasks.reader.process import ReaderStep
from tasks.segment_changes import Backfill, SegmentChanges

app = Celery(
    "connector",
    include=[
        *("tasks.activity", "tasks.changes", "tasks.delivery", "tasks.exports", "tasks.jobs", "tasks.sources"),
        "tasks.upkeep",
    ],
)
app.add_defaults(options)
app.conf.worker_consumer = FleetConsumer
app.steps["worker"].add(ReaderStep)
app.steps["consumer"].update((SegmentChanges, Backfill))
# The worker of embedded mode runs in a thread, where no application is the current one unless it is everybody's.
app.set_default()
