"""An alert from beginning to end, whatever is found when: one notice a change of state."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.alerts.lifecycle import advance, told_at
from connector.alerts.rules import OpenAlert
from connector.model.alert import AlertState, Notice
from connector.settings.alerts import AlertsSettings

MINUTE = 60.0


def alert(name: str = "main") -> OpenAlert:
    return OpenAlert("backlog", name, f"{name} waits")


def played(
    turns: Sequence[set[str]], apart: float = MINUTE, **settings: Any
) -> tuple[dict[str, AlertState], list[Notice]]:
    """What comes of turns, each with the syncs that are late then."""
    states: dict[str, AlertState] = {}
    notices: list[Notice] = []
    for number, names in enumerate(turns):
        moved = advance(states, [alert(name) for name in names], number * apart, AlertsSettings(**settings))
        states |= {each.key: each for each in moved.states}
        notices += moved.notices
    return states, notices


def changes(notices: Sequence[Notice]) -> list[str]:
    return [each.change for each in notices]


WELL: set[str] = set()
LATE = {"main"}


def test_an_alert_is_told_when_it_begins_and_when_it_is_over_and_not_in_between() -> None:
    states, notices = played([LATE] * 100 + [WELL] * 10)
    assert changes(notices) == ["opened", "recovered"]
    assert [each.number for each in notices] == [1, 2]
    assert not states["backlog: main"].is_open


def test_it_is_not_over_before_all_is_well_for_a_while() -> None:
    _, notices = played([LATE, WELL, LATE, WELL, WELL, LATE], recover_seconds=180.0)
    assert changes(notices) == ["opened"]


def test_one_that_comes_and_goes_takes_longer_to_be_over_each_time() -> None:
    _, notices = played(([LATE] + [WELL] * 3) * 100)
    assert len(notices) < 20
    _, calm = played(([LATE] + [WELL] * 100) * 3)
    assert changes(calm) == ["opened", "recovered"] * 3


def test_with_every_it_is_told_again_until_somebody_takes_it_on() -> None:
    settings = AlertsSettings(repeat="every", repeat_seconds=600.0)
    _, notices = played([LATE] * 21, repeat="every", repeat_seconds=600.0)
    assert changes(notices) == ["opened", "still open", "still open"]
    opened = advance({}, [alert()], 0.0, settings).states[0]
    taken_on = {opened.key: AlertState(**{**_values(opened), "acknowledged_at": 1.0})}
    assert advance(taken_on, [alert()], 700.0, settings).notices == []


def _values(state: AlertState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in AlertState.__dataclass_fields__}


def test_another_beginning_is_acknowledged_by_nobody() -> None:
    state = advance({}, [alert()], 0.0, AlertsSettings()).states[0]
    over = AlertState(**{**_values(state), "acknowledged_at": 1.0, "recovered_at": 2.0})
    (again,) = advance({over.key: over}, [alert()], 3.0, AlertsSettings()).states
    assert (again.episode, again.acknowledged_at, again.told) == (2, None, 1)


@given(
    turns=st.lists(st.sets(st.sampled_from(["main", "other"])), max_size=40),
    apart=st.sampled_from([1.0, 30.0, 60.0, 4000.0]),
    recover=st.sampled_from([0.0, 60.0, 500.0]),
    repeat=st.sampled_from(["first", "every"]),
)
def test_whatever_is_found_when_no_change_is_told_twice_and_each_end_has_its_beginning(
    turns: list[set[str]], apart: float, recover: float, repeat: str
) -> None:
    states, notices = played(turns, apart, recover_seconds=recover, repeat=repeat, repeat_seconds=100.0)
    assert len({(each.alert, each.episode, each.number) for each in notices}) == len(notices)
    for key, state in states.items():
        mine = [each for each in notices if each.alert == key]
        for episode in range(1, state.episode + 1):
            told = [each for each in mine if each.episode == episode]
            ends = [] if episode == state.episode and state.is_open else ["recovered"]
            assert changes(told) == ["opened", *["still open"] * (len(told) - 1 - len(ends)), *ends]
            assert [each.number for each in told] == [*range(1, len(told) + 1)]
        assert repeat == "every" or "still open" not in changes(mine)
    # Nobody misses what is found now, or was over before it ended.
    for name in turns[-1] if turns else ():
        assert states[f"backlog: {name}"].is_open


@pytest.mark.parametrize(
    ("clock", "waits_hours"),
    [("21:59", 0), ("22:00", 9), ("23:30", 7.5), ("06:59", 1 / 60), ("07:00", 0), ("12:00", 0)],
)
def test_in_quiet_hours_a_ticket_waits_until_their_end_and_a_page_does_not(clock: str, waits_hours: float) -> None:
    hours, minutes = map(int, clock.split(":"))
    at = 20_000 * 86_400.0 + hours * 3600 + minutes * 60
    ticket = Notice("k", 1, 1, "opened", "problems", "", "ticket", "s", at, at)
    assert told_at(ticket, "22:00-07:00") == pytest.approx(at + waits_hours * 3600)
    assert told_at(ticket._replace(severity="page"), "22:00-07:00") == at
    assert told_at(ticket, "") == at
