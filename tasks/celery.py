"""The Celery application: `celery -A tasks worker` finds it here."""

from celery import Celery

from tasks.base import options
from tasks.segment_changes import SegmentChanges

app = Celery("connector", include=["tasks.changes", "tasks.delivery", "tasks.upkeep"])
app.add_defaults(options)
app.steps["consumer"].add(SegmentChanges)
# The worker of embedded mode runs in a thread, where no application is the current one unless it is everybody's.
app.set_default()
