"""The sentence of `connector status`, and whether it needs somebody."""

import pytest

from connector.admin.verdict import FleetState, PausedConnection, verdict
from connector.model.spoken_times import clock, duration

NOW = 1_800_000_000.0  # 2027-01-15, 08:00 UTC
REFUSED = PausedConnection("main", "credentials refused at 07:58:00 UTC", NOW - 120, for_human=True)
BUSY = PausedConnection("main", "Customer.io answered 503, for 12 s", NOW - 5, for_human=False)

GOOD = [
    (FleetState(NOW), "up to date", "Customer.io is up to date; nobody waits"),
    (
        FleetState(NOW, problems=1),
        "up to date",
        "Customer.io is up to date, but for what 1 problem is about; nobody waits",
    ),
    (
        FleetState(NOW, problems=10_001, counted_to=10_000),
        "up to date",
        "Customer.io is up to date, but for what more than 10,000 problems are about; nobody waits",
    ),
    (
        FleetState(NOW, people=2, oldest=NOW - 0.4),
        "up to date",
        "Customer.io is up to date; oldest change 0.4 s; 2 people wait",
    ),
    (FleetState(NOW, people=1), "up to date", "Customer.io is up to date; all of a bulk load; 1 person waits"),
    (
        FleetState(NOW, queued={"segment-changes": 1}),
        "up to date",
        "Customer.io is up to date; nobody waits; 1 message waits in segment-changes",
    ),
    (
        FleetState(NOW, people=3, oldest=NOW - 5, paused=[BUSY]),
        "paused",
        "Paused: main: Customer.io answered 503, for 12 s; 3 people wait",
    ),
    (FleetState(NOW, nobody=True), "not running", "Nothing waits, and nobody runs here"),
]
BAD = [
    (
        FleetState(NOW, people=3112, oldest=NOW - 9, paused=[REFUSED]),
        "paused",
        "Paused: main: credentials refused at 07:58:00 UTC; 3,112 people wait",
    ),
    (
        FleetState(NOW, gone={"worker": NOW - 60, "beat": None}, queued={"segment-changes": 3000}),
        "gone",
        "No worker lives (last seen at 07:59:00 UTC); beat is gone; 3,000 messages wait in segment-changes",
    ),
    (
        FleetState(NOW, people=1, oldest=NOW - 1, nobody=True),
        "gone",
        "Nobody delivers: start `connector run`; 1 person waits",
    ),
    (
        FleetState(NOW, held=7),
        "held",
        "7 deletions are held: `connector approve` lets them go",
    ),
    (FleetState(NOW, held=1), "held", "1 deletion is held: `connector approve` lets it go"),
    (
        FleetState(NOW, queues_held={"segment-changes": "KeyError: everybody's"}),
        "queue held",
        "The queue segment-changes is held: KeyError: everybody's",
    ),
    (FleetState(NOW, dead_letters=1), "dead letters", "1 dead letter: see `connector dead-letters`"),
    (FleetState(NOW, broker_error="RabbitMQ cannot be asked"), "broker away", "RabbitMQ cannot be asked"),
    (
        FleetState(NOW, people=3, objects=1, oldest=NOW - 7_380),
        "behind",
        "Behind: the oldest change waits for 2 h 3 min; 3 people wait; 1 object waits",
    ),
    (
        FleetState(NOW, people=3, oldest=NOW - 5, failing_since=NOW - 600),
        "behind",
        "Behind: the oldest change waits for 10 min; 3 people wait",
    ),
]


@pytest.mark.parametrize(("state", "word", "sentence"), GOOD)
def test_what_goes_on_by_itself_needs_nobody(state: FleetState, word: str, sentence: str) -> None:
    said = verdict(state, 300.0)
    assert (said.state, said.sentence, said.needs_somebody) == (word, sentence, False)


@pytest.mark.parametrize(("state", "word", "sentence"), BAD)
def test_what_does_not_mend_itself_needs_somebody(state: FleetState, word: str, sentence: str) -> None:
    said = verdict(state, 300.0)
    assert (said.state, said.sentence, said.needs_somebody) == (word, sentence, True)


def test_a_connection_that_fails_while_nobody_waits_is_not_behind() -> None:
    assert not verdict(FleetState(NOW, failing_since=NOW - 9_000), 300.0).needs_somebody


def test_a_time_of_today_has_no_date_and_another_day_has() -> None:
    assert clock(NOW - 60, NOW) == "at 07:59:00 UTC"
    assert clock(NOW - 86_400, NOW) == "on 2027-01-14 at 08:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1.0, "0.0 s"), (0.44, "0.4 s"), (90.0, "2 min"), (3_600.0, "1 h 0 min"), (200_000.0, "2 d 7 h")],
)
def test_a_duration_has_two_units_at_the_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words
