"""Taking changes in, on SQLite and on PostgreSQL: all of a batch or nothing, and a repeat changes nothing."""

from collections.abc import Callable
from json import dumps
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.errors import StoreError
from connector.intake import bodies as inbox
from connector.intake.accept import TakenIn, accept
from connector.model.entity import Entity
from connector.model.problem import EVERY_SYNC
from connector.settings.sections import StoreSettings as Limits
from connector.store import entities
from connector.store import problems as problem_rows
from connector.store import tallies as counts
from connector.store.engine import Store
from tests.build_settings import rules
from tests.world import event, message, problems

RULES = rules()
TABLES = ("entity", "event", "identity", "problem", "tally", "connection")


def take(store: Store, *messages: Any, **sync: Any) -> TakenIn:
    return accept(store, [rules(**sync)], formats.parse("native", list(messages)))


def content(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.reading() as tx:
        return {
            table: sorted((tuple(row) for row in tx.execute(text(f"SELECT * FROM {table}"))), key=repr)
            for table in TABLES
        }


def state(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """What decides what will be sent: without the tallies, and without when it came in."""
    columns = {
        "entity": "key, facts, entered, standing, waits_for, due_at IS NOT NULL",
        "event": "id, key, body, state",
        "identity": "identifier, key",
    }
    with store.reading() as tx:
        return {
            table: sorted((tuple(row) for row in tx.execute(text(f"SELECT {what} FROM {table}"))), key=repr)
            for table, what in columns.items()
        }


def entity(store: Store, key: str) -> Entity:
    with store.writing() as tx:
        return entities.load(tx, "main", [key])[key]


def tallies(store: Store, sync: str = "main") -> dict[str, int]:
    with store.reading() as tx:
        return counts.tallies(tx, sync)


def test_a_batch_tells_what_came_of_it(store: Store) -> None:
    accepted = take(store, message("u1", 1), message("u2", 1, segments=[]), {"user": {}}, 7)

    assert accepted == TakenIn(2, 2, frozenset({"main"}))
    assert tallies(store, EVERY_SYNC) == {"messages": 4, "unreadable": 2}
    assert tallies(store) == {"skipped: not in a whitelisted segment": 1}


def test_a_batch_that_leaves_nothing_to_send_says_so(store: Store) -> None:
    assert take(store, message("u1", 1, segments=[])).due == frozenset()
    assert take(store).due == frozenset()
    take(store, message("u2", 1))
    assert take(store, message("u2", 1)).due == frozenset()


@pytest.mark.parametrize(("place", "step"), [(entities, "save"), (problem_rows, "add"), (counts, "tally")])
def test_a_failure_in_the_middle_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, place: Any, step: str
) -> None:
    take(store, message("u1", 1, event("Signed up", "e1"), plan="free"))
    before = content(store)
    original: Callable[..., Any] = getattr(place, step)

    def fail(*given: Any) -> None:
        original(*given)
        given[0].execute(text("SELECT no_such_column FROM entity"))

    monkeypatch.setattr(place, step, fail)
    batch = (message("u1", 2, event("Signed up", "e2"), plan="gold"), message("u2", 1), {"no": "message"})
    with pytest.raises(StoreError):
        take(store, *batch)
    assert content(store) == before
    monkeypatch.undo()
    take(store, *batch)

    assert len(state(store)["entity"]) == 2


def test_a_repeat_changes_nothing(store: Store) -> None:
    batch = [
        message("u1", 3, event("Signed up", "e1"), plan="gold"),
        message("u2", 1, event("page", "e2", type="page"), plan="free"),
        message("u3", 5, segments=["Other"]),
        message("u1", 4, plan="silver", segments=[]),
    ]
    take(store, *batch)
    once = state(store)
    for _ in range(2):
        take(store, *batch)
    for each in batch:
        take(store, each)

    assert state(store) == once
    assert tallies(store)["events accepted"] == 2


def test_an_event_is_accepted_once(store: Store) -> None:
    twice = message("u1", 1, event("Signed up", "e1"), event("Signed up", "e1"))
    take(store, twice, twice)
    take(store, message("u1", 2, event("Signed up", "e1"), event("Signed up", "e2")))

    assert len(state(store)["event"]) == 2
    counted = tallies(store)
    assert (counted["events accepted"], counted["events repeated"]) == (2, 4)


def test_one_event_id_of_two_users_is_two_events(store: Store) -> None:
    take(store, message("u1", 1, event("Signed up", "e1")), message("u2", 1, event("Signed up", "e1")))

    assert len(state(store)["event"]) == 2


def test_the_same_user_twice_in_a_batch_ends_with_the_newer_word(store: Store) -> None:
    take(store, message("u1", 2, plan="gold"), message("u1", 1, plan="free"), message("u1", 3, plan="silver"))

    assert entity(store, "u1").facts.attributes.values["plan"] == "silver"


def test_an_older_message_overwrites_nothing_and_its_events_count(store: Store) -> None:
    take(store, message("u1", 2, plan="gold"))
    take(store, message("u1", 1, event("Signed up", "e1"), plan="free"))

    assert entity(store, "u1").facts.attributes.values["plan"] == "gold"
    assert len(state(store)["event"]) == 1
    assert tallies(store)["stale"] == 1


def test_without_versions_the_order_of_arrival_counts(store: Store) -> None:
    take(store, message("u1", None, plan="gold"), message("u1", None, plan="free"))

    assert entity(store, "u1").facts.attributes.values["plan"] == "free"


def test_the_revision_grows_only_when_something_moved(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    take(store, message("u1", 1, plan="gold"))
    assert entity(store, "u1").revision == 1
    take(store, message("u1", 2, plan="free"))
    assert entity(store, "u1").revision == 2


def test_each_sync_has_its_own_people(store: Store) -> None:
    paying, trial = RULES, rules(segments=["Trial"])
    second = type(trial)(**{field: getattr(trial, field) for field in trial.__slots__} | {"name": "second"})
    messages = formats.parse("native", [message("u1", 1), message("u2", 1, segments=["Trial"])])

    assert accept(store, [paying, second], messages).due == {"main", "second"}
    with store.reading() as tx:
        rows = tx.execute(text("SELECT sync, key FROM entity WHERE entered ORDER BY sync")).all()
    assert [tuple(row) for row in rows] == [("main", "u1"), ("second", "u2")]


def test_seventy_thousand_users_in_one_body_are_one_batch(database: str) -> None:
    """A body of three megabytes may hold them. The store waits for a machine that is busy with other tests."""
    bodies = [{"user": {"id": f"u{number}"}, "segments": []} for number in range(70_000)]
    store = Store(database, Limits(idle_seconds=600.0))
    assert take(store, *bodies).changes == 70_000
    store.close()


# ---- Texts that a database or JSON cannot hold -----------------------------------------------------------------------

PLACES: dict[str, Callable[[str], Any]] = {
    "attribute": lambda text_: message("u1", 1, plan=text_),
    "nested attribute": lambda text_: message("u1", 1, plan={"nested": [text_]}),
    "identifier": lambda text_: message("u1", 1, external_id=text_),
    "event's property": lambda text_: message("u1", 1, event("Signed up", "e1", properties={"x": text_})),
    "event's id": lambda text_: message("u1", 1, event("Signed up", text_)),
    "event's name": lambda text_: message("u1", 1, event(text_, "e1")),
    "segment": lambda text_: message("u1", 1, segments=[text_]),
    "user's key": lambda text_: message(text_, 1),
    "field": lambda text_: {text_: 1},
    "text of JSON": lambda text_: f'{{"user": "{text_}',
}


def check_neighbours(store: Store, body: Any) -> None:
    """Takes in a body among others, which must not suffer from it."""
    neighbours = [message("u2", 1, plan="gold"), message("u3", 1, plan="free")]
    inbox.take(store, [rules(events=["*"])], "native", [neighbours[0], body, neighbours[1]], 1_000_000)

    assert entity(store, "u2").facts.attributes.values == {"plan": "gold"}
    assert entity(store, "u3").facts.attributes.values == {"plan": "free"}


@pytest.mark.parametrize("place", sorted(PLACES.keys() - {"identifier"}))
def test_a_nul_harms_no_other_message(store: Store, place: str) -> None:
    check_neighbours(store, PLACES[place]("a\x00b"))


def test_a_nul_in_an_identifier_harms_no_other_message(database: str, open_store: Callable[[str], Store]) -> None:
    check_neighbours(open_store(database), PLACES["identifier"]("a\x00b"))


@pytest.mark.parametrize("place", PLACES)
def test_broken_unicode_harms_no_other_message(store: Store, place: str) -> None:
    """Celery and the in-process broker decode JSON with Python's own module, which lets half a surrogate pair in."""
    check_neighbours(store, PLACES[place]("a\ud800b"))


def test_an_emoji_cut_in_half_harms_no_other_message(store: Store) -> None:
    """JavaScript cuts texts between the halves of a pair, and writes each half as an escape."""
    body = dumps([message("u1", 1, plan="\ud83d"), message("u2", 1, plan="gold")])
    inbox.take(store, [RULES], "native", [body], 1_000_000)

    assert entity(store, "u2").facts.attributes.values == {"plan": "gold"}


# ---- Problems, tallies -----------------------------------------------------------------------------------------------


def test_the_same_problem_is_counted_not_repeated(store: Store) -> None:
    too_long = message("u1", 1, plan="x" * 2000)
    take(store, too_long, too_long)
    take(store, too_long)

    [problem] = problems(store)
    assert (problem["kind"], problem["subject"], problem["count"]) == ("attribute", "u1", 3)
    assert problem["first_at"] < problem["last_at"]


def test_problems_of_two_people_or_two_reasons_are_apart(store: Store) -> None:
    take(store, message("u1", 1, plan="x" * 2000, city="x" * 2000), message("u2", 1, plan="x" * 2000))

    assert [(each["subject"], each["count"]) for each in problems(store)] == [("u1", 1), ("u1", 1), ("u2", 1)]


def test_an_unreadable_message_is_kept_with_its_reason_and_its_text(store: Store) -> None:
    bodies = [b'{"user": {', b'{"user": {"id": "u1"}, "colour": 1}', b"[1, 2]", '{"user": {"id": "u2"}}']
    accepted = inbox.take(store, [RULES], "native", bodies, 1_000_000)

    assert (accepted.changes, accepted.unreadable) == (1, 4)
    found = {problem["payload"]: problem["reason"] for problem in problems(store)}
    assert "is not JSON" in found['"{\\"user\\": {"']
    assert 'unknown field "colour"' in found['{"user":{"id":"u1"},"colour":1}']
    assert {problem["kind"] for problem in problems(store)} == {"unreadable"}


def test_equal_unreadable_messages_are_one_problem_and_others_are_others(store: Store) -> None:
    inbox.take(store, [RULES], "native", [b"{", b"{", b"{{"], 1_000_000)

    assert sorted(problem["count"] for problem in problems(store)) == [1, 2]


def test_a_message_over_the_limit_is_kept_cut(store: Store) -> None:
    long = message("u1", 1, plan="x" * 50_000)
    accepted = inbox.take(store, [RULES], "native", [dumps(long), message("u2", 1)], 40_000)

    assert (accepted.changes, accepted.unreadable) == (1, 1)
    [problem] = problems(store)
    assert "larger than [intake] max_message_bytes, 40000 bytes" in problem["reason"]
    assert len(problem["payload"]) < 12_000


def test_tallies_add_up(store: Store) -> None:
    for _ in range(3):
        with store.writing() as tx:
            counts.tally(tx, {"main": {"b": 2, "a": 1, "none": 0}}, 60.0)
            counts.tally(tx, {"other": {"a": 5}, "main": {}}, 120.0)

    assert tallies(store) == {"a": 3, "b": 6}
    assert tallies(store, "other") == {"a": 15}
