"""Warehouses as sources, on SQLite and PostgreSQL: what changed is taken in, who is gone leaves, nobody by mistake."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.bulk import lease
from connector.bulk.lease import LostError, leased
from connector.bulk.tabular import row_messages
from connector.bulk.warehouse import run as runs
from connector.bulk.warehouse import scheduling
from connector.bulk.warehouse.query import opened
from connector.bulk.warehouse.run import StoppedError
from connector.cli import check
from connector.errors import SettingsError, StoreError
from connector.model.source_state import Counts, SourceState
from connector.store import erasure, mentions, named_leases
from connector.store import sources as stored
from tests.servers import eventually
from tests.simulated import Simulated
from tests.sources import Warehouse, source
from tests.world import LATELY, World

MakeWorld = Callable[..., World]


@pytest.fixture
def warehouse(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> Warehouse:
    """A database of the same kind as the store, beside it."""
    if store_url.startswith("sqlite"):
        return Warehouse(f"sqlite:///{tmp_path / 'warehouse.db'}")
    return Warehouse(request.getfixturevalue("empty_database"))


@pytest.fixture
def make(make_world: MakeWorld, warehouse: Warehouse) -> Callable[..., World]:
    """Makes a world with the source `users` of the warehouse; `sync` as the settings take it."""

    def make_(sync: dict[str, Any] | None = None, **given: Any) -> World:
        identified = {"identifier": "id", **(sync or {})}
        return make_world(sync=identified, sources={"users": source(**{"url": warehouse.url, **given})})

    return make_


def run(world: World, name: str = "users", **asked: bool) -> SourceState:
    """A run to its end, and the delivery of what came of it."""
    scheduling.ask(world.runtime, name, **asked)
    state = scheduling.take_turn(world.runtime, name)
    assert state is not None
    world.settle()
    return state


def state_of(world: World, name: str = "users") -> SourceState:
    with world.store.reading() as tx:
        return stored.load(tx)[name]


def test_what_changed_is_taken_in_and_nothing_else(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make()
    warehouse.users(1, 2, 3)
    assert run(world).counts == Counts(rows=3, changed=3)
    assert run(world).counts == Counts(rows=3)
    warehouse.run("UPDATE users SET plan = 'free' WHERE id = 'u002'", "INSERT INTO users VALUES ('u004', NULL)")
    assert run(world).counts == Counts(rows=4, changed=2)
    assert simulator.people() == {
        "u001": {"plan": "gold"},
        "u002": {"plan": "free"},
        "u003": {"plan": "gold"},
        "u004": {},
    }


def test_whose_row_is_gone_has_left(make: Callable[..., World], warehouse: Warehouse, simulator: Simulated) -> None:
    world = make()
    warehouse.users(*range(20))
    run(world)
    warehouse.users(*range(18))
    assert run(world).counts == Counts(rows=18, left=2)
    assert sorted(simulator.people()) == [f"u{number:03}" for number in range(18)]
    warehouse.users(*range(19))
    assert run(world).counts == Counts(rows=19, changed=1)
    assert "u018" in simulator.people()


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_a_query_that_suddenly_gives_nothing_empties_no_audience(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated, on_exit: str
) -> None:
    world = make(sync={"on_exit": on_exit})
    warehouse.users(1, 2)
    run(world)
    warehouse.users()
    state = run(world)
    assert state.error.startswith("2 of the 2 rows of the last run are gone, more than leave_guard lets pass")
    assert state.failures == 0
    assert simulator.people() == {"u001": {"plan": "gold"}, "u002": {"plan": "gold"}}
    assert [(kind, subject) for kind, subject, _ in world.problems()] == [("source", "users")]
    if on_exit == "delete":
        assert run(world, may_leave=True).counts == Counts(left=2)
        assert (simulator.people(), world.problems(), state_of(world).may_leave) == ({}, [], False)


def test_far_fewer_rows_let_nobody_go_but_are_taken_in(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make(leave_guard={"share": 0.5, "at_least": 2})
    warehouse.users(*range(10))
    run(world)
    warehouse.users(*range(4), plan="free")
    state = run(world)
    assert (state.counts, bool(state.error)) == (Counts(rows=4, changed=4), True)
    assert [person["plan"] for person in simulator.people().values()] == ["free"] * 4 + ["gold"] * 6
    warehouse.users(*range(5), plan="free")
    assert (run(world).counts, world.problems()) == (Counts(rows=5, changed=1, left=5), [])


def test_a_column_lists_the_segments(make: Callable[..., World], warehouse: Warehouse, simulator: Simulated) -> None:
    world = make(segments=[], columns={"groups": "segments", "tier": "plan", "secret": ""})
    rows = [{"id": f"u{number}", "groups": "Paying|Trial", "tier": "gold", "secret": "x"} for number in range(3)]
    warehouse.table("users", "id text, groups text, tier text, secret text", rows)
    run(world)
    assert simulator.people()["u0"] == {"plan": "gold"}
    warehouse.run("UPDATE users SET groups = 'Trial' WHERE id = 'u0'", "DELETE FROM users WHERE id = 'u1'")
    assert run(world).counts == Counts(rows=2, changed=1, left=1)
    assert sorted(simulator.people()) == ["u2"]


def test_a_row_that_is_not_the_whole_user_leaves_the_rest_alone(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make(whole=False)
    world.take({"user": {"id": "u001", "city": "Bergen"}, "segments": ["Paying"], "whole": True})
    warehouse.users(1)
    run(world)
    assert simulator.people() == {"u001": {"plan": "gold", "city": "Bergen"}}


def test_bad_rows_are_problems_come_back_until_mended_and_nobody_leaves_by_them(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make()
    warehouse.users(1, 2)
    run(world)
    warehouse.users(1, 2, 2)
    warehouse.run("INSERT INTO users VALUES (NULL, 'gold')", "INSERT INTO users VALUES (' ', 'gold')")
    assert run(world).counts == Counts(rows=5, unreadable=2, repeated=1)
    assert run(world).counts == Counts(rows=5, unreadable=2, repeated=1)
    assert sorted(simulator.people()) == ["u001", "u002"]
    assert {kind for kind, _, _ in world.problems()} == {"unreadable"}


ODD = {
    "never": "'infinity'::timestamptz", "gone": "'-infinity'::date", "old": "'0044-03-15 BC'::date",
    "late": "'20000-01-01'::timestamp",
    "ip": "'192.0.2.1'::inet", "span": "'[1,3]'::int4range", "photo": "'x'::bytea", "wait": "'1 month'::interval",
    "most": "'Infinity'::float8", "sum": "'Infinity'::numeric", "list": "ARRAY['infinity'::date]",
}  # fmt: skip
"""Columns of PostgreSQL whose values JSON has nothing for."""


def test_a_cell_that_json_has_nothing_for_is_left_out_with_a_problem_and_the_run_goes_on(
    make_world: MakeWorld, request: pytest.FixtureRequest, simulator: Simulated
) -> None:
    url = request.getfixturevalue("empty_database")
    cells = ", ".join(f"CASE n WHEN 2 THEN {value} END AS {name}" for name, value in ODD.items())
    query = f"SELECT 'u' || n AS id, 'gold' AS plan, {cells} FROM generate_series(1, 3) AS n"
    sync = {"identifier": "id", "attributes": ["plan", *ODD]}
    world = make_world(sync=sync, sources={"users": source(url, query=query, columns={"span": ""})})
    assert run(world).counts == Counts(rows=3, changed=3)
    assert {name: person["plan"] for name, person in simulator.people().items()} == dict.fromkeys(
        ("u1", "u2", "u3"), "gold"
    )
    told = {reason.split("'")[1]: subject for kind, subject, reason in world.problems() if kind == "attribute"}
    assert told == dict.fromkeys(ODD.keys() - {"span"}, "u2")


def test_changed_settings_make_every_row_count_as_changed(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    warehouse.users(1, 2)
    run(make())
    assert run(make()).counts == Counts(rows=2)
    more = {"attributes": ["plan", {"from": "id", "to": "key"}]}
    assert run(make(sync=more)).counts == Counts(rows=2, changed=2)
    assert simulator.people()["u001"] == {"plan": "gold", "key": "u001"}
    assert run(make(sync=more), again=True).counts == Counts(rows=2, changed=2)


def test_what_a_source_brings_waits_behind_what_is_live(make: Callable[..., World], warehouse: Warehouse) -> None:
    world = make()
    warehouse.users(1)
    scheduling.ask(world.runtime, "users")
    scheduling.take_turn(world.runtime, "users")
    with world.store.reading() as tx:
        lanes = tx.exec_driver_sql("SELECT lane FROM entity WHERE due_at IS NOT NULL").scalars().all()
    assert list(lanes) == [3]


def test_who_is_forgotten_is_forgotten_by_sources_too(make: Callable[..., World], warehouse: Warehouse) -> None:
    world = make()
    warehouse.users(1, 2)
    run(world)
    with world.store.writing() as tx:
        now = world.store.now(tx)
        erasure.claim(tx, "main", "u001", "mine", now, 60.0)
        found = mentions.find(tx, ["u001"], ["u001"])
        assert erasure.erase(tx, "main", "u001", "mine", found, now) is not None
    with world.store.reading() as tx:
        assert stored.after(tx, "users", "", 10) == ["u002"]


# ---- Events ----------------------------------------------------------------------------------------------------------

EVENTS = {"kind": "events", "query": "SELECT * FROM events;", "key": "number", "segments": [], "columns": {"who": "id"}}
EVENT_COLUMNS = "number integer, who text, name text, time integer, amount integer"


def happened(*numbers: int, name: str = "Signed up") -> list[dict[str, Any]]:
    return [{"number": n, "who": "u1", "name": name, "time": LATELY + n, "amount": n * 10} for n in numbers]


@pytest.mark.parametrize("cursor", ["", "number", "time"])
def test_each_event_is_taken_once(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated, cursor: str
) -> None:
    world = make(**EVENTS, cursor=cursor)
    world.run({"user": {"id": "u1"}, "segments": ["Paying"]})
    warehouse.table("events", EVENT_COLUMNS, happened(2, 1))
    assert run(world).counts == Counts(rows=2, changed=2)
    warehouse.insert("events", happened(3))
    assert run(world).counts == Counts(rows=2 if cursor else 3, changed=1)
    assert run(world).counts.changed == 0
    assert simulator.event_names("u1") == ["Signed up"] * 3


def test_events_at_the_cursor_are_known_and_those_that_join_them_are_not_missed(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make(**EVENTS, cursor="time")
    world.run({"user": {"id": "u1"}, "segments": ["Paying"]})
    same = {"who": "u1", "name": "Signed up", "time": LATELY, "amount": 1}
    warehouse.table("events", EVENT_COLUMNS, [{"number": number, **same} for number in range(3)])
    run(world)
    warehouse.insert("events", [{"number": 3, **same}])
    assert run(world).counts == Counts(rows=4, changed=1)
    assert simulator.event_names("u1") == ["Signed up"] * 4


# ---- Objects ---------------------------------------------------------------------------------------------------------

OBJECTS = {"kind": "objects", "query": "SELECT * FROM firms", "key": "number", "segments": [], "object_type": "2"}
FIRM_COLUMNS = "number integer, title text, tier text, note text"


def firms(*numbers: int, tier: str = "gold") -> list[dict[str, Any]]:
    return [{"number": number, "title": f"Firm {number}", "tier": tier, "note": "x"} for number in numbers]


def taking(on_exit: str = "delete", **rest: Any) -> dict[str, Any]:
    return {"objects": [{"type": "2", "attributes": ["name", "tier"], "on_exit": on_exit, **rest}]}


@pytest.mark.parametrize("on_exit", ["keep", "delete"])
def test_rows_are_objects_by_difference_and_those_that_are_gone_leave(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated, on_exit: str
) -> None:
    world = make(sync=taking(on_exit), **OBJECTS, columns={"title": "name"})
    warehouse.table("firms", FIRM_COLUMNS, firms(1, 2, 3))
    assert run(world).counts == Counts(rows=3, changed=3)
    assert simulator.objects() == {f"2/{n}": {"name": f"Firm {n}", "tier": "gold"} for n in (1, 2, 3)}
    calls = len(simulator.calls())
    assert run(world).counts == Counts(rows=3)
    assert len(simulator.calls()) == calls
    warehouse.run("UPDATE firms SET tier = NULL WHERE number = 1", "DELETE FROM firms WHERE number = 2")
    assert run(world).counts == Counts(rows=2, changed=1, left=1)
    kept = {"2/2": {"name": "Firm 2", "tier": "gold"}} if on_exit == "keep" else {}
    third = {"2/3": {"name": "Firm 3", "tier": "gold"}}
    assert simulator.objects() == {"2/1": {"name": "Firm 1"}, **kept, **third}
    warehouse.insert("firms", firms(2, tier="silver"))
    assert run(world).counts == Counts(rows=3, changed=1)
    assert simulator.objects()["2/2"] == {"name": "Firm 2", "tier": "silver"}
    assert (world.problems(), simulator.people()) == ([], {})


def test_too_many_objects_that_are_gone_are_held(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make(sync=taking(), **OBJECTS)
    warehouse.table("firms", FIRM_COLUMNS, firms(1, 2))
    run(world)
    warehouse.table("firms", FIRM_COLUMNS)
    assert "2 of the 2 rows of the last run are gone" in run(world).error
    assert sorted(simulator.objects()) == ["2/1", "2/2"]
    assert run(world, may_leave=True).counts == Counts(left=2)
    assert (simulator.objects(), world.problems()) == ({}, [])


def test_a_row_without_an_id_is_a_problem_and_its_neighbours_go_on(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make(sync=taking(), **OBJECTS)
    warehouse.table("firms", FIRM_COLUMNS, [*firms(1), {**firms(2)[0], "number": None}, *firms(1)])
    assert run(world).counts == Counts(rows=3, changed=1, unreadable=1, repeated=1)
    assert list(simulator.objects()) == ["2/1"]
    assert [(kind, reason) for kind, _, reason in world.problems()] == [
        ("unreadable", "the row has neither a text nor an integer in 'number'")
    ]


@pytest.mark.parametrize(
    ("columns", "given", "told"),
    [
        ("id text, Plan text", {}, "the column 'Plan' is nearly 'plan'"),
        ('id text, "E-Mail" text', {}, "the column 'E-Mail' is nearly 'email'"),
        ("id text, Plan text", {"segments": [], "kind": "objects"}, "the column 'Plan' is nearly 'plan'"),
        (
            'id text, "External ID" text, email text',
            {"segments": [], "kind": "events", "event": "Bought"},
            "the column 'External ID' is nearly 'external_id'",
        ),
    ],
)
def test_a_column_that_nearly_fits_stops_the_run_before_anything_is_taken_in(
    make: Callable[..., World], warehouse: Warehouse, columns: str, given: dict[str, Any], told: str
) -> None:
    sync = {"objects": [{"type": "1", "attributes": ["plan"]}]} if given.get("kind") == "objects" else {}
    world = make(sync=sync, **given)
    quoted = columns.replace("Plan", '"Plan"')
    warehouse.table("users", quoted)
    warehouse.run("INSERT INTO users (id) VALUES ('u1')")
    state = run(world)

    assert told in state.error
    assert "sources.users columns" in state.error
    assert state.counts == Counts()


def test_a_row_of_nothing_is_passed_over(make: Callable[..., World], warehouse: Warehouse) -> None:
    warehouse.users(1)
    warehouse.run("INSERT INTO users VALUES (NULL, NULL)", "INSERT INTO users VALUES ('', '  ')")
    world = make()

    assert run(world).counts == Counts(rows=1, changed=1)
    assert world.problems() == []


@pytest.mark.parametrize(("segment", "warned"), [("Payng", True), ("Paying", False)])
def test_check_warns_of_a_source_with_a_segment_that_nobody_has_heard_of(
    make: Callable[..., World], segment: str, warned: bool
) -> None:
    found = list(check._unheard(make(segments=[segment]).runtime))
    assert [(each.level, each.what) for each in found] == [("warning", "sources.users")] * warned
    assert all('is "Paying" meant?' in each.text for each in found)


@pytest.mark.parametrize(
    ("sync", "level"),
    [({}, "warning"), (taking(**{"from": ["group"]}), "warning"), (taking(), "ok")],
)
def test_check_warns_of_objects_that_no_sync_wants(
    make: Callable[..., World], warehouse: Warehouse, sync: dict[str, Any], level: str
) -> None:
    world = make(sync=sync, **OBJECTS)
    warehouse.table("firms", FIRM_COLUMNS)
    found = check._of_source(world.settings.sources["users"], world.rules)
    assert (found.level, found.what) == (level, "sources.users")
    assert ('[[syncs.NAME.objects]] with type = "2"' in found.text) is (level == "warning")


# ---- What goes wrong -------------------------------------------------------------------------------------------------


def test_a_broken_query_is_told_and_the_other_sources_go_on(
    make_world: MakeWorld, warehouse: Warehouse, simulator: Simulated
) -> None:
    broken = source(warehouse.url, query="SELECT * FROM nowhere")
    world = make_world(sync={"identifier": "id"}, sources={"broken": broken, "users": source(warehouse.url)})
    warehouse.users(1)
    assert scheduling.due(world.runtime) == ["broken", "users"]
    states = {name: scheduling.take_turn(world.runtime, name) for name in scheduling.due(world.runtime)}
    world.settle()
    assert list(simulator.people()) == ["u001"]
    assert states["broken"] is not None
    assert states["broken"].failures == 1
    assert "nowhere" in states["broken"].error
    assert states["broken"].error.startswith("sources.broken: ")
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject, reason) == ("source", "broken", states["broken"].error)
    assert scheduling.due(world.runtime) == []
    warehouse.table("nowhere", "id text")
    assert run(world, "broken").error == ""
    assert world.problems() == []


def test_what_a_query_fails_at_is_told_without_what_is_in_the_rows(
    make: Callable[..., World], warehouse: Warehouse
) -> None:
    world = make(query="SELECT id, plan::int AS plan FROM users")
    warehouse.users(1)
    error = run(world).error
    assert error.startswith("sources.users: ")
    assert "gold" not in error
    assert [reason for _, _, reason in world.problems()] == [error]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"key": "number"}, "the query gives no column 'number': it gives id, plan"),
        ({"columns": {"tier": "plan"}}, "the query gives no column 'tier'"),
        ({"segments": []}, "sources.users does not say who is in which segment: give `segments`, or a column"),
        ({"url": "nodriver://host/secret-database"}, "nodriver"),
        ({"url": "mysql+pymysql://user:hush-hush@127.0.0.1/x"}, "is not installed"),
        ({"url": "sqlite:///nowhere/at-all.db"}, "there is no such SQLite file"),
        ({"url": None}, "url is not set: give CONNECTOR__SOURCES__USERS__URL"),
        ({"url": "postgresql+psycopg://user:hush-hush@127.0.0.1:9/x?connect_timeout=3"}, "OperationalError"),
        ({"query": "SELECT 1 AS id, 2 AS id"}, "more than one column is named 'id'"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_without_its_url(
    make: Callable[..., World], warehouse: Warehouse, given: dict[str, Any], says: str
) -> None:
    world = make(**given)
    warehouse.users(1)
    state = run(world)
    assert says in state.error
    assert "hush" not in state.error
    assert "secret" not in state.error


def test_a_query_may_have_any_character(make: Callable[..., World], warehouse: Warehouse) -> None:
    world = make()
    warehouse.users(1, 2)
    query = "SELECT id, plan FROM users WHERE id LIKE 'u%1' AND ':x %s' <> '12:30' AND CAST(id AS text) <> '\\' -- :y ?"
    odd = world.settings.sources["users"].model_copy(update={"query": query})
    for options in ({}, {"marked": "id"}, {"marked": "id", "since": "u0", "limit": 5}, {"marked": "id", "after": "u0"}):
        with opened(odd, **options) as table:
            assert list(table.rows()) == [{"id": "u001", "plan": "gold"}]


def test_the_query_cannot_write(make: Callable[..., World], warehouse: Warehouse) -> None:
    world = make(query="DELETE FROM users RETURNING id, plan")
    warehouse.users(1)
    assert run(world).failures == 1
    assert run(make()).counts.rows == 1


def test_a_source_that_nobody_named_is_refused(make: Callable[..., World]) -> None:
    world = make()
    with pytest.raises(SettingsError, match="there is no source 'other': the settings name users"):
        scheduling.ask(world.runtime, "other")


# ---- Crashes, and two at once ----------------------------------------------------------------------------------------


def small_batches(monkeypatch: pytest.MonkeyPatch, rows: int = 3) -> None:
    monkeypatch.setattr(row_messages, "ROWS_AT_ONCE", rows)


def fail_once(monkeypatch: pytest.MonkeyPatch, fail_at: int) -> None:
    """Intake fails at the given call, as if the store had gone."""
    accept, calls = runs.accept, [0]

    def failing(*given: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == fail_at:
            raise StoreError("gone")
        return accept(*given, **options)

    monkeypatch.setattr(runs, "accept", failing)


@pytest.mark.parametrize("fail_at", [1, 2, 4])
def test_a_run_that_died_in_the_middle_goes_on_where_it_was(
    make: Callable[..., World],
    warehouse: Warehouse,
    simulator: Simulated,
    monkeypatch: pytest.MonkeyPatch,
    fail_at: int,
) -> None:
    world = make()
    small_batches(monkeypatch)
    warehouse.users(*range(10))
    scheduling.ask(world.runtime, "users")
    with monkeypatch.context() as patched:
        fail_once(patched, fail_at)
        with pytest.raises(StoreError):
            scheduling.take_turn(world.runtime, "users")
    assert state_of(world).under_way
    assert scheduling.due(world.runtime) == ["users"]
    state = scheduling.take_turn(world.runtime, "users")
    assert state is not None
    assert state.counts == Counts(rows=10, changed=10 - (fail_at - 1) * 3)
    world.settle()
    assert len(simulator.people()) == 10


def test_events_go_on_from_the_cursor_after_a_crash(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(**EVENTS, cursor="number")
    world.run({"user": {"id": "u1"}, "segments": ["Paying"]})
    small_batches(monkeypatch)
    warehouse.table("events", EVENT_COLUMNS, happened(*range(10)))
    scheduling.ask(world.runtime, "users")
    with monkeypatch.context() as patched:
        fail_once(patched, 3)
        with pytest.raises(StoreError):
            scheduling.take_turn(world.runtime, "users")
    state = scheduling.take_turn(world.runtime, "users")
    assert state is not None
    assert state.counts == Counts(rows=5, changed=4)
    world.settle()
    assert simulator.event_names("u1") == ["Signed up"] * 10


def test_a_run_that_was_told_to_stop_goes_on_elsewhere(
    make: Callable[..., World], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    small_batches(monkeypatch)
    warehouse.users(*range(10))
    asked = iter((False, False, True))
    with pytest.raises(StoppedError):
        scheduling.take_turn(world.runtime, "users", until=lambda: next(asked))
    assert scheduling.due(world.runtime) == ["users"]
    state = scheduling.take_turn(world.runtime, "users")
    assert state is not None
    assert state.counts == Counts(rows=10, changed=4)


def test_one_source_is_never_run_twice_at_a_time(make: Callable[..., World], warehouse: Warehouse) -> None:
    world = make()
    warehouse.users(1)
    with leased(world.store, scheduling.lease_name("users")) as lease:
        assert lease is not None
        assert scheduling.due(world.runtime) == []
        assert scheduling.take_turn(world.runtime, "users") is None
    assert scheduling.take_turn(world.runtime, "users") is not None
    assert scheduling.take_turn(world.runtime, "users") is None


def test_whoever_lost_the_lease_lets_nobody_go(
    make: Callable[..., World], warehouse: Warehouse, simulator: Simulated
) -> None:
    world = make()
    warehouse.users(1, 2)
    run(world)
    warehouse.users(1)
    scheduling.ask(world.runtime, "users")

    def steal(_: Counts) -> None:
        with world.store.writing() as tx:
            tx.exec_driver_sql("UPDATE lease SET holder = 'another'")

    with pytest.raises(LostError):
        scheduling.take_turn(world.runtime, "users", report=steal)
    world.settle()
    assert len(simulator.people()) == 2


def test_a_lease_is_renewed_as_long_as_its_holder_lives(
    make: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make().store
    monkeypatch.setattr(lease, "_RENEWALS", 6000)

    def end() -> float:
        with store.reading() as tx:
            return named_leases.beginning_with(tx, "one")["one"][1]

    with leased(store, "one", seconds=60.0) as mine:
        assert mine is not None
        first = end()
        eventually(lambda: end() > first)
        with leased(store, "one") as other:
            assert other is None
    with leased(store, "one") as other:
        assert other is not None
