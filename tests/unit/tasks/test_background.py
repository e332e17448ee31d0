"""Work beside the tasks of a process: what may take hours is bounded, and holds up nothing that must go on."""

import threading
from collections.abc import Iterator

import pytest

from tasks import background


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Ends all the work of a test, which begins with none."""
    monkeypatch.setattr(background, "_threads", {})
    monkeypatch.setattr(background, "_long", set())
    event = threading.Event()
    yield event
    event.set()
    for thread in list(background._threads.values()):
        thread.join()


def test_long_work_is_bounded_and_holds_up_neither_alerts_nor_what_is_sent_on(over: threading.Event) -> None:
    names = [f"backfill:{number}" for number in range(background.MOST_AT_ONCE + 1)]
    begun = [background.begin(each, over.wait) for each in names]
    assert begun == [*(True for _ in range(background.MOST_AT_ONCE)), False]
    assert all(background.begin(each, over.wait, long=False) for each in ("alerts", "out:there", "out:elsewhere"))
    assert not background.begin("alerts", over.wait, long=False)
    assert not background.begin(names[-1], over.wait)


def test_what_goes_on_beside_takes_no_room_from_long_work(over: threading.Event) -> None:
    assert all(background.begin(f"out:{number}", over.wait, long=False) for number in range(background.MOST_AT_ONCE))
    assert background.begin("backfill", over.wait)


def test_where_long_work_has_ended_another_one_begins(over: threading.Event) -> None:
    for number in range(2 * background.MOST_AT_ONCE):
        assert background.begin(f"backfill:{number}", lambda: None)
        background._threads[f"backfill:{number}"].join()
