"""Alerts from the facts of the store to channels: each change of state is told once, whatever breaks in between."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete

from connector.admin.retention import retain
from connector.alerts import turn as turns
from connector.alerts.facts import AlertFacts
from connector.alerts.turn import AlertTurn, pause_seconds
from connector.alerts.wording import AlertMessage
from connector.settings.alerts import Channel
from connector.settings.retention import RetentionSettings
from connector.store import alerts, heartbeats, sqlite
from connector.store.alert_tables import AlertChannelRow, AlertNoticeRow, AlertRow
from connector.store.engine import Store
from connector.store.tables import LeaseRow
from tests.budget import examples
from tests.build_settings import build
from tests.simulated import Simulated
from tests.world import World, message

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
SLACK = {"ops": {"url": "json://nowhere"}}
NEVER_QUIET = {"recover_seconds": 0.0}


class Died(BaseException):
    """The process is no more."""


@dataclass
class Recorded:
    """A way out that keeps what it is given, and answers as the test says."""

    singly: bool = False
    answers: list[str] = field(default_factory=list)
    got: list[AlertMessage] = field(default_factory=list)

    def send(self, message: AlertMessage, now: float) -> str:
        answer = self.answers.pop(0) if self.answers else ""
        if answer != "lost":
            self.got.append(message)
        if answer in ("died", "lost"):
            raise Died
        return answer

    def changes(self) -> list[tuple[str, str]]:
        """Each change of state that arrived, by alert."""
        return [(each["alert"], each["change"]) for one in self.got for each in one.data["data"]["alerts"]]


@dataclass
class Desk:
    """Turns over a store whose time, and whose facts, are the test's."""

    store: Store
    held: dict[str, int] = field(default_factory=dict)
    ways: dict[str, Recorded] = field(default_factory=dict)
    at: float = 1_790_812_800.0
    alerts: dict[str, Any] = field(default_factory=dict)

    def facts(self, _settings: Any, _tx: Any, now: float, known: Any) -> AlertFacts:
        over = {key: each.recovered_at for key, each in known.items() if each.recovered_at is not None}
        return AlertFacts(now, held=self.held, recovered=over)

    def way(self, channel: Channel) -> Recorded:
        return self.ways.setdefault(channel.name, Recorded())

    def turn(self, seconds_later: float = MINUTE) -> bool:
        self.at += seconds_later
        settings = build(alerts={"channels": SLACK, **NEVER_QUIET, **self.alerts})
        return AlertTurn(settings, self.store, self.way).take()


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return at_desk(store, monkeypatch)


def at_desk(store: Store, monkeypatch: pytest.MonkeyPatch, **alerts: Any) -> Desk:
    made = Desk(store, alerts=alerts)
    monkeypatch.setattr(store, "now", lambda _tx: made.at)
    monkeypatch.setattr(turns, "gather", made.facts)
    return made


def test_what_begins_and_what_is_over_is_told_once_and_nothing_in_between(desk: Desk) -> None:
    desk.held = {"main": 3}
    for _ in range(5):
        desk.turn()
    desk.held = {}
    for _ in range(5):
        desk.turn()
    ops = desk.ways["ops"]
    assert ops.changes() == [("deletions held: main", "opened"), ("deletions held: main", "recovered")]
    assert [each.title for each in ops.got] == ["Audience Sync Connector: 1 new", "Audience Sync Connector: 1 over"]
    assert ops.got[1].body.startswith("OVER after 5 min: The guard holds 3 deletions of main")


def test_many_alerts_are_one_message_that_lists_some_and_counts_the_rest(desk: Desk) -> None:
    desk.held = {f"sync_{number}": 1 for number in range(300)}
    desk.turn()
    desk.turn()
    (only,) = desk.ways["ops"].got
    assert only.body.count("\n") == 20
    assert only.body.endswith("... and 280 more: `connector alerts` lists them")
    assert len(only.data["data"]["alerts"]) == 300


def test_a_service_that_knows_alerts_by_their_keys_gets_each_by_itself_a_few_a_turn(desk: Desk) -> None:
    desk.ways["ops"] = Recorded(singly=True)
    desk.held = {f"sync_{number}": 1 for number in range(12)}
    counts = []
    for _ in range(4):
        desk.turn()
        counts.append(len(desk.ways["ops"].got))
    assert counts == [5, 10, 12, 12]
    assert len({each.key for each in desk.ways["ops"].got}) == 12


@pytest.mark.parametrize("how", ["died", "lost"])
def test_a_process_that_dies_leaves_the_message_to_the_next_which_sends_it_as_it_was(desk: Desk, how: str) -> None:
    desk.ways["ops"] = Recorded(answers=[how])
    desk.held = {"main": 1}
    with pytest.raises(Died):
        desk.turn()
    desk.held = {"main": 1, "other": 1}
    desk.turn(5 * MINUTE)
    desk.turn()
    got = desk.ways["ops"].got
    assert {each.id for each in got if each.key == "deletions held: main"} == {got[0].id}
    assert len({each.body for each in got if each.key == "deletions held: main"}) == 1
    assert ("deletions held: other", "opened") in desk.ways["ops"].changes()
    assert len({each.id for each in got}) == 2


def test_while_a_process_tells_no_other_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ways["ops"] = Recorded(answers=["died"])
    desk.held = {"main": 1}
    with pytest.raises(Died):
        desk.turn()
    assert not desk.turn(1.0)
    assert len(desk.ways["ops"].got) == 1


def test_a_channel_that_fails_is_tried_again_with_pauses_and_the_others_go_on(desk: Desk) -> None:
    desk.alerts = {"channels": {**SLACK, "phone": {"url": "json://elsewhere"}}}
    desk.ways["ops"] = Recorded(answers=["it answered 500"] * 3)
    desk.held = {"main": 1}
    for _ in range(4):
        desk.turn()
    assert len(desk.ways["phone"].got) == 1
    assert len(desk.ways["ops"].got) == 3  # the third pause is longer than a minute
    with desk.store.reading() as tx:
        ops, phone = alerts.channels(tx, ["ops", "phone"])
    assert (ops.failures, ops.reason, ops.waiting, ops.failing_since) == (3, "it answered 500", 1, desk.at - 3 * MINUTE)
    assert (phone.failures, phone.waiting) == (0, 0)
    for _ in range(4):
        desk.turn(HOUR)
    assert len(desk.ways["ops"].got) == 4
    with desk.store.reading() as tx:
        (ops,) = alerts.channels(tx, ["ops"])
    assert (ops.failures, ops.reason, ops.waiting) == (0, "", 0)


def test_pauses_grow_and_end() -> None:
    assert [pause_seconds(each) for each in (0, 1, 5, 50)] == [30.0, 60.0, 960.0, 3600.0]


def test_severity_says_which_channel_tells(desk: Desk) -> None:
    desk.alerts = {
        "channels": {
            "phone": {"url": "json://a", "severities": ["page"]},
            "mail": {"url": "json://b", "severities": ["ticket"]},
        },
        "severities": {"deletions held": "ticket"},
    }
    desk.held = {"main": 1}
    desk.turn()
    assert desk.ways["mail"].changes() == [("deletions held: main", "opened")]
    assert desk.ways["phone"].got == []


def test_in_quiet_hours_tickets_wait_and_are_told_at_their_end_with_what_became_of_them(desk: Desk) -> None:
    desk.alerts = {
        "channels": {"ops": {"url": "json://a", "quiet_hours": "00:00-07:00"}},
        "severities": {"deletions held": "ticket"},
    }
    desk.held = {"main": 1}
    desk.turn()
    desk.held = {}
    desk.turn(5 * HOUR)
    assert "ops" not in desk.ways or desk.ways["ops"].got == []
    desk.turn(2 * HOUR)
    assert desk.ways["ops"].changes() == [("deletions held: main", "opened"), ("deletions held: main", "recovered")]
    assert len(desk.ways["ops"].got) == 1


def test_a_channel_that_was_not_told_of_the_beginning_is_not_told_of_the_end(desk: Desk) -> None:
    desk.alerts = {"channels": {}}
    desk.held = {"main": 1}
    desk.turn()
    desk.alerts, desk.held = {}, {}
    desk.turn()
    desk.turn()
    assert desk.ways.get("ops", Recorded()).got == []


def test_an_alert_that_comes_back_is_told_of_though_the_last_one_was_told_long_after_it_was_over(desk: Desk) -> None:
    desk.ways["ops"] = Recorded(answers=["it answered 500"] * 3)
    desk.held = {"main": 1}
    desk.turn()
    desk.held = {}
    desk.turn()
    desk.turn()
    desk.ways["ops"].got.clear()
    desk.turn(2 * DAY)
    desk.turn()
    assert [change for _, change in desk.ways["ops"].changes()] == ["opened", "recovered"]
    desk.at += 89 * DAY
    assert retain(desk.store, RetentionSettings(), ())
    desk.held = {"main": 1}
    desk.turn()
    assert [change for _, change in desk.ways["ops"].changes()] == ["opened", "recovered", "opened"]
    desk.held = {}
    desk.turn()
    desk.at += 100 * DAY
    assert retain(desk.store, RetentionSettings(), ())
    with desk.store.reading() as tx:
        assert alerts.known(tx) == {}


def test_what_was_taken_on_is_told_again_by_nobody(desk: Desk) -> None:
    desk.alerts = {"repeat": "every", "repeat_seconds": 60.0}
    desk.held = {"main": 1}
    desk.turn()
    desk.turn()
    with desk.store.writing() as tx:
        assert alerts.acknowledge(tx, ["deletions held: main", "no such"], desk.at, "ada") == ["deletions held: main"]
        assert alerts.acknowledge(tx, ["deletions held: main"], desk.at, "ada") == []
    desk.turn()
    assert [change for _, change in desk.ways["ops"].changes()] == ["opened", "still open"]


def test_a_channel_that_the_settings_name_no_more_is_forgotten(desk: Desk) -> None:
    desk.ways["ops"] = Recorded(answers=["it answered 500"])
    desk.held = {"main": 1}
    desk.turn()
    desk.alerts = {"channels": {}}
    desk.turn()
    with desk.store.reading() as tx:
        (ops,) = alerts.channels(tx, ["ops"])
    assert (ops.failures, ops.waiting) == (0, 0)


@hypothesis_settings(max_examples=examples(15))
@given(
    steps=st.lists(
        st.tuples(st.sets(st.sampled_from(["main", "other"])), st.sampled_from(["", "", "it fails", "died", "lost"]),
                  st.sampled_from([1.0, MINUTE, HOUR])),
        max_size=12,
    )
)  # fmt: skip
def test_each_change_arrives_under_one_id_and_in_its_order(
    store_of_module: Store, steps: Sequence[tuple[set[str], str, float]]
) -> None:
    with store_of_module.writing() as tx:
        for table in (AlertRow, AlertNoticeRow, AlertChannelRow, LeaseRow):
            tx.execute(delete(table))
    with pytest.MonkeyPatch.context() as patch:
        desk = at_desk(store_of_module, patch)
        ops = desk.ways["ops"] = Recorded()
        for held, answer, seconds in steps:
            desk.held, ops.answers = dict.fromkeys(held, 1), [answer]
            with suppress(Died):
                desk.turn(seconds)
        ops.answers = []
        for _ in range(3):
            desk.turn(2 * HOUR)
        with store_of_module.reading() as tx:
            states = alerts.known(tx)
    ids: dict[tuple[str, int, str], set[str]] = {}
    for one in ops.got:
        for each in one.data["data"]["alerts"]:
            ids.setdefault((each["alert"], each["episode"], each["change"]), set()).add(one.id)
    assert [key for key, found in ids.items() if len(found) != 1] == []
    ended = {("opened",): False, ("opened", "recovered"): True}
    for key, state in states.items():
        for episode in range(1, state.episode + 1):
            changes = tuple(change for alert, number, change in ids if (alert, number) == (key, episode))
            assert ended[changes] == (episode < state.episode or not state.is_open)


def test_a_day_without_customerio_is_one_alert_and_one_that_it_is_over_and_loses_nothing(
    file_url: str, open_store: Callable[[str], Store], simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_790_812_800.0]
    monkeypatch.setattr(sqlite, "machine_time", lambda: clock[0])
    store, ways = open_store(file_url), Recorded()
    promised = {"freshness": {"within_seconds": 900.0, "segments": {"Paying": 120.0}}}
    world = World(store, simulator, sync=promised, delivery={"backoff_seconds": 1.0, "backoff_max_seconds": 300.0},
                  alerts={"channels": SLACK})  # fmt: skip
    desk = AlertTurn(world.settings, store, lambda _channel: ways)

    def passes(minutes: int, step: int, user: Callable[[int], str]) -> None:
        for number in range(0, minutes, step):
            clock[0] += step * MINUTE
            with store.writing() as tx:
                heartbeats.beat(tx, "run", "run", store.now(tx))
            world.take(message(user(number), number, plan=str(number)))
            courier = world.runtime.courier("main")
            replace(courier, sender=replace(courier.sender, sleep=lambda _seconds: None)).cycle()
            desk.take()

    simulator.go_wrong({"path": "/api/v2/batch", "status": 503})
    passes(24 * 60, 30, lambda number: f"u-{number % 150}")
    assert ways.changes() == [("connection paused: main", "opened")]
    simulator.go_wrong()
    passes(60, 5, lambda number: f"late-{number}")
    world.settle()
    assert ways.changes() == [("connection paused: main", "opened"), ("connection paused: main", "recovered")]
    assert len(simulator.people()) == 5 + 12
    assert simulator.people()["u-60"]["plan"] == "1410"
    world.close()
