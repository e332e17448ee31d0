"""What tasks do while the store fails."""

import pytest
from structlog.testing import capture_logs

from connector.errors import StoreError
from tasks import base


def fail(task: str, reason: str) -> None:
    with base.interruptible(task):
        raise StoreError(reason)


def test_a_store_that_fails_is_said_once_a_minute_for_each_task_and_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(base, "_said", {})
    monkeypatch.setattr(base, "monotonic", lambda: now[0])
    with capture_logs() as said:
        for _ in range(300):  # five minutes
            fail("sweep", "it is away")
            now[0] += 1.0
        fail("look", "it is away")
        fail("look", "it is full")
    assert [(line["task"], line["reason"]) for line in said] == [
        *[("sweep", "it is away")] * 5, ("look", "it is away"), ("look", "it is full"),
    ]  # fmt: skip


def test_whatever_else_fails_is_raised() -> None:
    with pytest.raises(KeyError), base.interruptible("sweep"):
        raise KeyError
