"""What the reader's doorbell says while neither broker nor store can be reached."""

import threading

import pytest
from structlog.testing import capture_logs

from connector.errors import StoreError
from connector.runtime import Runtime
from tasks.reader import bell
from tests.build_settings import build


def test_a_failure_that_is_met_each_second_is_said_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(bell, "monotonic", lambda: now)
    ringing = bell.Bell(Runtime.open(build()))

    def fail(*_: object) -> list[str]:
        raise StoreError("the store is full" if now >= 300 else "the store is away")

    monkeypatch.setattr(bell, "overdue", fail)
    with capture_logs() as said:
        for second in range(302):
            now = float(second)
            ringing._deliver(set(), threading.Event())
    reasons = [each["reason"] for each in said]
    assert reasons == [*["the store is away"] * 5, "the store is full"]
