"""Since when a run of an export is due."""

import pytest

from connector.model.export_state import ExportState, due_since
from connector.model.schedule import Every

SEEN = 1000.0


@pytest.mark.parametrize(
    ("given", "since"),
    [
        ({}, SEEN),
        ({"started_at": 2000.0}, 2000.0),
        ({"started_at": 2000.0, "ended_at": 2001.0}, 2300.0),
        ({"started_at": 2000.0, "ended_at": 9000.0}, 9000.0),
        ({"started_at": 2000.0, "ended_at": 2001.0, "asked": True}, 2300.0),
    ],
    ids=["never run", "interrupted", "by the schedule", "after a run longer than the schedule", "asked for"],
)
def test_a_run_is_due_since_a_time_that_is_known(given: dict[str, float], since: float) -> None:
    assert due_since(ExportState("log", SEEN, **given), Every(300.0)) == since  # type: ignore[arg-type]  # asked


def test_a_run_by_hand_is_due_by_itself_only_once_it_was_interrupted() -> None:
    assert due_since(ExportState("log", SEEN, asked=True), None) is None
    assert due_since(ExportState("log", SEEN, started_at=2000.0), None) == 2000.0
