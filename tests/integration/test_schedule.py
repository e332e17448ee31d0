"""What is rung for from time to time: by beat in a fleet, by a thread in embedded mode."""

import threading
from importlib import import_module
from typing import Any

import pytest

from connector.broker import beat_schedule
from connector.cli import embedded
from tasks import base
from tests.build_settings import build
from tests.servers import eventually


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Tasks by name, with their periods in seconds, as beat has them."""
    monkeypatch.setattr(base, "settings", build)
    return {each["task"]: each["schedule"] for each in base.options()["beat_schedule"].values()}


def test_beat_rings_for_tasks_that_exist(schedule: dict[str, Any]) -> None:
    for name in schedule:
        module, _, task = name.rpartition(".")
        assert getattr(import_module(module), task).name == name


def test_beat_rings_for_every_duty_at_its_period(schedule: dict[str, Any]) -> None:
    assert schedule == beat_schedule.duties(build().delivery.sweep_seconds)
    assert schedule["tasks.upkeep.sweep"] == build().delivery.sweep_seconds


class App:
    """Notes which tasks were sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send_task(self, name: str) -> None:
        self.sent.append(name)


def test_embedded_mode_rings_for_every_duty_again_and_again() -> None:
    app, stop = App(), threading.Event()
    duties = dict.fromkeys(beat_schedule.duties(1.0), 0.01)
    thread = threading.Thread(target=embedded._tick, args=(app, stop, duties))
    thread.start()
    try:
        eventually(lambda: all(app.sent.count(task) > 2 for task in duties))
    finally:
        stop.set()
        thread.join()


def test_what_is_rung_for_goes_to_a_queue_that_workers_read(
    schedule: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "settings", build)
    options = base.options()
    queues = {queue.name for queue in options["task_queues"]}
    for name in schedule:
        assert options["task_routes"][f"{name.rpartition('.')[0]}.*"]["queue"] in queues
