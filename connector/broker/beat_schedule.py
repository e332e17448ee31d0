"""Lists the periodic duties, once for beat in a fleet and for the embedded mode."""

_OFTEN_SECONDS, _LOOK_SECONDS, _SELDOM_SECONDS, _HOURLY_SECONDS = 1.0, 5.0, 60.0, 3600.0

Duties = dict[str, float]
"""The names of tasks, and how many seconds lie between two rings for each."""


def duties(sweep_seconds: float) -> Duties:
    """Returns every periodic task with its period in seconds; the sweep's period is a setting."""
    return {
        "tasks.upkeep.sweep": sweep_seconds,
        "tasks.jobs.advance": _OFTEN_SECONDS,
        "tasks.activity.fold": _OFTEN_SECONDS,
        "tasks.activity.send_on": _OFTEN_SECONDS,
        "tasks.sources.look": _LOOK_SECONDS,
        "tasks.exports.look": _LOOK_SECONDS,
        "tasks.upkeep.compare": _SELDOM_SECONDS,
        "tasks.upkeep.ask_for_failures": _SELDOM_SECONDS,
        "tasks.upkeep.alert": _SELDOM_SECONDS,
        "tasks.upkeep.measure": _SELDOM_SECONDS,
        "tasks.upkeep.forget": _HOURLY_SECONDS,
        "tasks.upkeep.retain": _HOURLY_SECONDS,
    }


def beat_schedule(sweep_seconds: float) -> dict[str, dict[str, object]]:
    """Returns the duties as Celery's setting `beat_schedule`."""
    return {task: {"task": task, "schedule": seconds} for task, seconds in duties(sweep_seconds).items()}
