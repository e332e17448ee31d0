"""The row-level log in files and tables: each change once, whatever dies when; who is held now; what ran."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import create_engine, insert, text
from typer.testing import CliRunner

from connector.bulk.export import run as running
from connector.bulk.export import turn
from connector.bulk.export.columns import LogRow
from connector.bulk.export.run import ExportRun
from connector.bulk.export.target import ExportDestination
from connector.bulk.lease import leased
from connector.bulk.warehouse import scheduling
from connector.cli import commands
from connector.model.export_state import ExportState
from connector.model.history import Answer, Sort, What
from connector.model.job import Job
from connector.store import exports, history, jobs
from connector.store.engine import Store
from tests.build_settings import build, values, write
from tests.processes import bare_environment
from tests.sources import Warehouse
from tests.world import World, event, message, problems

MakeWorld = Callable[..., World]


def files(folder: Path, pattern: str = "*.parquet") -> list[dict[str, Any]]:
    """The rows of all files, by their names' order."""
    return [row for path in sorted(folder.glob(pattern)) for row in pq.read_table(path).to_pylist()]


def table(url: str, name: str, order: str) -> list[dict[str, Any]]:
    engine = create_engine(url)
    with engine.connect() as tx:
        rows = [dict(row) for row in tx.execute(text(f"SELECT * FROM {name} ORDER BY {order}")).mappings()]
    engine.dispose()
    return rows


def take(world: World, name: str = "log") -> ExportState:
    turn.ask(world.runtime, name)
    state = turn.take_turn(world.runtime, name)
    assert state is not None
    return state


def short(rows: Iterable[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in rows]


@pytest.fixture
def elsewhere(store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database that is nothing of ours."""
    if store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'elsewhere.db'}"
    url: str = request.getfixturevalue("empty_database")
    return url


# --- changes ---------------------------------------------------------------------------------------------------------


def test_each_confirmed_change_is_a_row_with_who_what_and_which_call(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(export={"log": {"what": "changes", "directory": str(tmp_path / "out")}})
    world.run(message("u1", 1, plan="a"), message("u1", 2, event("Signed up", "1"), plan="b"))
    first = take(world)
    world.run(message("u1", 3, segments=[]), message("u2", 1, segments=[]))
    second = take(world)
    assert take(world).rows == 0

    rows = files(tmp_path / "out")
    assert short(rows, "person", "change", "did", "verdict") == [
        ("u1", "entered", "identify", "taken"),
        ("u1", "changed", "identify event", "taken"),
        ("u1", "left", "delete", "taken"),
    ]
    assert [first.rows, second.rows, second.total] == [2, 1, 3]
    assert len({row["call"] for row in rows}) == 3
    assert all(isinstance(row["at"], datetime) and row["at"].tzinfo for row in rows)
    assert {(row["sync"], row["items"] > 0) for row in rows} == {("main", True)}


def test_a_refusal_is_told_as_such_and_what_is_tried_again_comes_once_it_is_confirmed(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(export={"log": {"what": "changes", "directory": str(tmp_path / "out")}})
    world.simulated.go_wrong({"path": "/api/v2/batch", "status": 500, "times": 1})
    world.run(message("u1", 1, plan="a"))
    world.run(message("u2", 1, external_id="x" * 151))
    take(world)
    told = {(row["person"], row["verdict"]) for row in files(tmp_path / "out")}
    assert ("u1", "taken") in told
    assert len(files(tmp_path / "out")) == len(told)


def test_a_table_of_the_customers_own_has_each_change_once(make_world: MakeWorld, elsewhere: str) -> None:
    world = make_world(export={"log": {"what": "changes", "url": elsewhere, "table": "sent"}})
    world.run(message("u1", 1, plan="a"), message("u2", 1, plan="a"))
    take(world)
    begin_again(world)
    assert take(world).rows == 2
    found = table(elsewhere, "sent", "at")
    assert short(found, "person", "change", "item") == [("u1", "entered", 0), ("u2", "entered", 0)]


def begin_again(world: World, name: str = "log") -> None:
    """As if the store had been restored from a time before the export's first run."""
    with world.store.writing() as tx:
        tx.execute(text("UPDATE export SET position = '' WHERE name = :name"), {"name": name})


def test_only_the_chosen_syncs_are_exported(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(export={"log": {"what": "changes", "directory": str(tmp_path), "syncs": ["other"]}})
    world.run(message("u1", 1))
    assert take(world).rows == 0


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A target that takes, or whose process dies before or after it has."""

    def __init__(self, target: ExportDestination, words: list[str]) -> None:
        self.target, self.words = target, words

    def add(self, name: str, rows: Sequence[LogRow]) -> None:
        word = self.words.pop(0) if self.words else "take"
        if word == "kill before":
            raise Killed
        self.target.add(name, rows)
        if word == "kill after":
            raise Killed

    def replace(self, pages: Iterable[Sequence[LogRow]], syncs: Sequence[str], taken_at: float) -> int:
        raise AssertionError

    def close(self) -> None:
        """Nothing is open."""


def note(store: Store, persons: Sequence[int], number: int) -> None:
    """A request with these persons, and something that was said of each."""
    columns = {"sync": "main", "at": float(number + 1)}
    sent = {"what": int(What.SENT), "came_to": int(Answer.TAKEN), "detail": int(Sort.IDENTIFY), "count": 1}
    said = {"what": int(What.SAID), "came_to": 1, "detail": None, "count": 1}
    with store.writing() as tx:
        for item, person in enumerate(persons):
            who = {**columns, "key": f"user-{person}"}
            tx.execute(insert(history.TABLE).values({**who, **said}))
            tx.execute(insert(history.TABLE).values({**who, **sent, "item": item, "call": f"call-{number:03}"}))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.lists(st.integers(1, 5), max_size=4), min_size=1, max_size=8),
    words=st.lists(st.sampled_from(["take", "kill before", "kill after"]), max_size=10),
    at_once=st.integers(1, 7),
    to_files=st.booleans(),
    forgotten=st.sampled_from([0, 1, 5]),
)
def test_no_change_is_lost_or_doubled_whatever_dies_when(
    file_url: str,
    open_store: Callable[[str], Store],
    tmp_path_factory: pytest.TempPathFactory,
    calls: list[list[int]],
    words: list[str],
    at_once: int,
    to_files: bool,
    forgotten: int,
) -> None:
    store, folder = open_store(file_url), tmp_path_factory.mktemp("export")
    with store.writing() as tx:
        for name in ("history", "export", "lease"):
            tx.execute(text(f"DELETE FROM {name}"))
    place = {"directory": str(folder)} if to_files else {"url": f"sqlite:///{folder / 'log.db'}", "table": "log"}
    given_ = build(store=file_url, export={"log": {"what": "changes", **place}}).export["log"]
    with store.writing() as tx:
        exports.see(tx, ["log"], 0.0)

    def go() -> None:
        with leased(store, "export:log") as lease:
            assert lease is not None
            with store.reading() as tx:
                state = exports.load(tx)["log"]
            run = ExportRun(store, given_, ("main",), lease, state, rows_at_once=at_once)
            try:
                run.go(Dying(turn.target_of(given_), words))
            except Killed:
                return

    for number, persons in enumerate(calls):
        note(store, persons, number)
        go()
    words.clear()
    go()
    # Who is forgotten takes the last ids along, which SQLite gives out again.
    with store.writing() as tx:
        history.erase(tx, "main", f"user-{forgotten}")
    note(store, [7, 8, 9], len(calls))
    go()

    found = files(folder) if to_files else table(f"sqlite:///{folder / 'log.db'}", "log", "call, item")
    wanted = [
        (f"call-{number:03}", item, f"user-{person}")
        for number, persons in enumerate([*calls, [7, 8, 9]])
        for item, person in enumerate(persons)
    ]
    assert sorted(short(found, "call", "item", "person")) == wanted


def test_what_is_committed_late_is_not_passed_over(
    database: str, open_store: Callable[[str], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL a row with a lower id may become visible after one with a higher id was."""
    store = open_store(database)
    monkeypatch.setattr(running, "_PATIENCE_SECONDS", 0.3)
    export = build(export={"log": {"what": "changes", "directory": str(tmp_path)}}).export["log"]
    with store.writing() as tx:
        exports.see(tx, ["log"], 0.0)
    with leased(store, "export:log") as lease:
        assert lease is not None
        run = ExportRun(store, export, ("main",), lease, ExportState("log", 0.0))
        with store.engine.connect() as late, late.begin():
            late.execute(text("SELECT pg_current_xact_id()"))
            late.execute(insert(history.TABLE).values(_sent("late", 1.0)))
            note(store, [1], 0)
            with pytest.raises(Exception, match="a transaction of the database is open"):
                run.go(turn.target_of(export))
        assert files(tmp_path) == []
        run.go(turn.target_of(export))
    assert short(files(tmp_path), "person") == [("late",), ("user-1",)]


def _sent(key: str, at: float) -> dict[str, Any]:
    what = {"what": int(What.SENT), "came_to": int(Answer.TAKEN), "detail": int(Sort.IDENTIFY), "count": 1}
    return {"sync": "main", "at": at, "key": key, "item": 0, "call": f"call of {key}", **what}


# --- snapshot --------------------------------------------------------------------------------------------------------


def test_a_snapshot_has_who_is_held_now_with_their_attributes(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(export={"now": {"what": "snapshot", "directory": str(tmp_path / "out"), "keep": 2}})
    world.run(message("u1", 1, plan="a"), message("u2", 1, plan="b"), message("u3", 1, segments=[]))
    for _ in range(2):
        take(world, "now")
    world.run(message("u1", 2, segments=[]))
    take(world, "now")

    kept = [pq.read_table(path).to_pylist() for path in sorted((tmp_path / "out").iterdir())]
    assert [short(rows, "person", "identifier_type", "identifier") for rows in kept] == [
        [("u1", "id", "u1"), ("u2", "id", "u2")],
        [("u2", "id", "u2")],
    ]
    assert json.loads(kept[-1][0]["attributes"]) == world.simulated.people()["u2"]


def test_a_table_of_a_snapshot_loses_whoever_is_not_held_any_more(
    make_world: MakeWorld, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.ExportRun.__init__, "__defaults__", (lambda: False, 600.0, 1))
    world = make_world(export={"now": {"what": "snapshot", "url": elsewhere, "table": "held"}})
    world.run(*(message(user, 1, plan="a") for user in ("u1", "u2", "u3")))
    assert take(world, "now").rows == 3
    world.run(message("u2", 2, segments=[]), message("u3", 2, plan="c"))
    take(world, "now")
    found = table(elsewhere, "held", "person")
    plans = [(each if isinstance(each, dict) else json.loads(each))["plan"] for (each,) in short(found, "attributes")]
    assert list(zip(short(found, "person"), plans, strict=True)) == [(("u1",), "a"), (("u3",), "c")]


# --- runs ------------------------------------------------------------------------------------------------------------


def test_runs_are_requests_jobs_and_each_run_of_a_source(
    make_world: MakeWorld, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.ExportRun.__init__, "__defaults__", (lambda: False, -1.0, 2))
    warehouse = Warehouse(f"sqlite:///{tmp_path / 'users.db'}")
    warehouse.users(1, 2)
    users = {"url": warehouse.url, "query": "SELECT * FROM users", "key": "id", "segments": ["Paying"]}
    out = {"what": "runs", "directory": str(tmp_path / "out")}
    world = make_world(
        sync={"identifier": "id"},
        sources={"users": users},
        export={"log": out, "there": {"what": "runs", "url": elsewhere, "table": "runs"}},
    )
    for number in range(2):
        warehouse.users(1, 2, plan=f"plan-{number}")
        scheduling.ask(world.runtime, "users")
        scheduling.take_turn(world.runtime, "users")
        world.settle()
    with world.store.writing() as tx:
        jobs.add(tx, Job("J1", "main", "resync", "done", "", 5, 5, 1.0, {"due": 5}, 10.0, 20.0))
    for name in ("log", "there"):
        take(world, name)
        assert take(world, name).rows == 0
    for found in (files(tmp_path / "out"), table(elsewhere, "runs", "kind, started_at")):
        sources = [row for row in found if row["kind"] == "source"]
        assert short(sources, "name", "outcome", "rows") == [("users", "done", 2)] * 2
        requests = [row for row in found if row["kind"] == "request"]
        assert {(row["outcome"], row["status"], row["connection"]) for row in requests} == {("settled", 200, "main")}
        assert len(requests) == 2
        [job] = [row for row in found if row["kind"] == "job"]
        assert (job["id"], job["outcome"], job["rows"]) == ("J1", "done", 5)


def test_a_request_is_exported_once_nothing_earlier_can_be_logged(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(export={"log": {"what": "runs", "directory": str(tmp_path / "out")}})
    world.run(message("u1", 1))
    assert take(world).rows == 0


# --- by whom, and how it fares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_what_fails_is_a_problem_until_it_succeeds_and_says_nothing_secret(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    url = "postgresql+psycopg://ada:very-secret@127.0.0.1:9/db"
    world = make_world(export={"log": {"what": "changes", "url": url, "table": "sent"}})
    world.run(message("u1", 1))
    state = take(world)
    assert (state.failures, state.position) == (1, "")
    [problem] = problems(world.store)
    assert (problem["kind"], problem["subject"]) == ("export", "log")
    assert "very-secret" not in problem["reason"]
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "file", tmp_path / "folder"):
        again = build(export={"log": {"what": "changes", "directory": str(directory)}})
        world.runtime.settings = again
        state = take(world)
    assert (state.failures, state.rows, problems(world.store)) == (0, 1, [])


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_two_processes_do_not_run_one_export_at_once(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(export={"log": {"what": "changes", "directory": str(tmp_path)}})
    assert turn.due(world.runtime) == ["log"]
    with leased(world.store, turn.lease_name("log")):
        assert turn.due(world.runtime) == []
        turn.ask(world.runtime, "log")
        assert turn.take_turn(world.runtime, "log") is None
    take(world)
    assert turn.due(world.runtime) == []


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"what": "changes"}, "either directory, or table and url"),
        ({"what": "changes", "directory": "a", "table": "b"}, "either directory, or table and url"),
        ({"what": "changes", "directory": "a", "url": "sqlite:///b"}, "url is for a table"),
        ({"what": "changes", "url": "mysql://there", "table": "b"}, "postgresql"),
        ({"what": "changes", "url": "sqlite:///b", "table": "a; DROP"}, "letters, digits"),
        ({"what": "people", "directory": "a"}, "changes"),
    ],
)
def test_settings_that_cannot_be_are_refused(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        build(export={"log": given_})


def test_changes_without_a_history_are_refused() -> None:
    with pytest.raises(ValidationError, match="history_days"):
        build(export={"log": {"what": "changes", "directory": "a"}}, retention={"history_days": 0.0})


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_command_lists_exports_and_runs_one(
    make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = {"log": {"what": "changes", "directory": str(tmp_path / "out")}}
    world = make_world(export=log)
    world.run(message("u1", 1))
    for name, value in write(tmp_path, values(store=world.store.url.render_as_string(), export=log)).items():
        monkeypatch.setenv(name, value)
    path = str(tmp_path / "settings.toml")
    say = CliRunner().invoke
    assert "never run" in say(commands.app, ["export", "--settings", path]).output
    done = say(commands.app, ["export", "log", "--once", "--settings", path])
    assert (done.exit_code, done.output) == (0, "log: 1 rows, 1 in all runs; done\n")
    assert "asked for" in say(commands.app, ["export", "log", "--settings", path]).output
    [line] = say(commands.app, ["export", "--json", "--settings", path]).output.splitlines()
    assert {**json.loads(line), "asked": True, "total": 1} == json.loads(line)
    lost = say(commands.app, ["export", "nothing", "--settings", path])
    assert "there is no export 'nothing': the settings name log" in str(lost.exception)
    assert short(files(tmp_path / "out"), "person") == [("u1",)]


_WORK = """
from tasks.exports import look
from tasks.background import _threads
look()
for thread in list(_threads.values()):
    thread.join()
"""


def test_the_workers_task_runs_what_is_due(file_url: str, open_store: Callable[[str], Store], tmp_path: Path) -> None:
    note(open_store(file_url), [1, 2], 0)
    log = {"log": {"what": "changes", "directory": str(tmp_path / "out")}}
    environment = write(tmp_path, values(store=file_url, export=log))
    work = subprocess.run(
        [sys.executable, "-c", _WORK],
        check=False,
        env={**bare_environment(), **environment},
        capture_output=True,
        text=True,
    )
    assert work.returncode == 0, work.stderr
    found = files(tmp_path / "out")
    assert short(found, "person", "at") == [(f"user-{each}", datetime.fromtimestamp(1, UTC)) for each in (1, 2)]
