"""`sources` and `backfill` as people use them, with `connector run` as who does the work; and a kill in the middle."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.bulk import jobs
from connector.model.job import Job
from connector.store.engine import Store
from tests.processes import SHIPPED_SETTINGS, connector, environment, people, running, until
from tests.sources import Warehouse

SOURCE = """
[sources.users]
query = "SELECT * FROM users"
key = "external_id"
segments = ["Paying"]
schedule = {schedule}
"""
STATE = {
    "source", "kind", "running", "asked", "started_at", "ended_at", "rows", "changed", "left", "unreadable",
    "repeated", "next_at", "failures", "error",
}  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(f"sqlite:///{tmp_path / 'warehouse-hush.db'}")
    fill(made, 3)
    return made


def fill(warehouse: Warehouse, count: int) -> None:
    rows = [{"external_id": f"u{number:05}", "plan": "gold"} for number in range(count)]
    warehouse.table("users", "external_id text, plan text", rows)


@pytest.fixture
def surroundings(tmp_path: Path, customerio: str, warehouse: Warehouse) -> Callable[..., dict[str, str]]:
    def made(schedule: str = '"0 3 * * *"') -> dict[str, str]:
        path = tmp_path / "settings.toml"
        path.write_text(SHIPPED_SETTINGS.read_text("utf-8") + SOURCE.format(schedule=schedule), "utf-8")
        url = {"CONNECTOR__SOURCES__USERS__URL": warehouse.url}
        environ = environment(tmp_path, customerio, path) | url
        assert connector("migrate", environ=environ).code == 0
        return environ

    return made


def row(*arguments: object, environ: dict[str, str], code: int = 0) -> dict[str, Any]:
    ended = connector(*arguments, "--json", environ=environ)
    assert (ended.code, ended.err) == (code, "")
    (found,) = ended.rows()
    assert found.keys() >= STATE
    return found


def test_a_source_is_run_by_hand_and_says_how_it_went(
    surroundings: Callable[..., dict[str, str]], warehouse: Warehouse
) -> None:
    environ = surroundings()
    new = row("sources", environ=environ)
    assert (new["started_at"], new["running"], new["next_at"] % 86_400) == (None, False, 3 * 3600)
    done = row("sources", "run", "users", "--now", environ=environ)
    assert (done["rows"], done["changed"], done["left"], done["error"]) == (3, 3, 0, "")
    fill(warehouse, 0)
    held = row("sources", "run", "users", "--now", environ=environ, code=1)
    assert held["error"].startswith("3 of the 3 rows of the last run are gone")
    gone = connector("sources", "run", "users", "--now", "--may-leave", environ=environ)
    assert (gone.code, gone.out) == (0, "users: 0 rows, 0 changed, 3 left; done\n")
    assert connector("sources", "run", "users", environ=environ).out.startswith("users: asked for; a worker, or")
    listed = connector("sources", environ=environ)
    assert "users" in listed.out
    assert "hush" not in listed.out
    checked = {each["what"]: each for each in connector("check", "--json", environ=environ).rows()}
    assert (checked["sources.users"]["level"], checked["sources.users"]["text"]) == ("ok", "people from sqlite")
    unknown = connector("sources", "run", "other", environ=environ)
    assert (unknown.code, unknown.err) == (2, "there is no source 'other': the settings name users\n")


def test_embedded_mode_runs_sources_by_their_schedule(
    surroundings: Callable[..., dict[str, str]], warehouse: Warehouse, customerio: str, tmp_path: Path
) -> None:
    environ = surroundings(schedule="1")
    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        assert process.url
        until(lambda: len(people(customerio)) == 3, "three people in Customer.io")
        fill(warehouse, 4)
        until(lambda: len(people(customerio)) == 4, "the fourth")
        assert process.end(signal.SIGTERM) == 0
        assert "hush" not in process.text


def test_a_backfill_goes_on_after_a_kill_in_the_middle(
    surroundings: Callable[..., dict[str, str]], customerio: str, tmp_path: Path
) -> None:
    environ = surroundings()
    path = tmp_path / "users.csv"
    path.write_text("external_id,plan\n" + "".join(f"u{number:05},gold\n" for number in range(3000)))
    started = connector(
        "backfill",
        "main",
        path,
        "--segment",
        "Paying",
        "--allow-missing",
        "--per-second",
        600,
        "--detach",
        "--json",
        environ=environ,
    )
    assert (started.code, started.err) == (0, "")
    (job,) = started.rows()
    assert (job["kind"], job["sync"], job["state"], job["done"]) == ("backfill", "main", "running", 0)

    store = Store(environ["CONNECTOR__STORE__URL"])

    def state() -> Job:
        return jobs.find(store, job["id"])

    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        assert process.url
        until(lambda: state().done, "some rows")
        process.end(signal.SIGKILL)
    killed = state()
    store.close()
    assert (killed.state, 0 < killed.done < 3000) == ("running", True)
    with running("run", environ=environ, output=tmp_path / "again.log") as process:
        assert process.url
        done = connector("jobs", "follow", job["id"], environ=environ)
        assert (done.code, done.out) == (0, f"backfill {job['id']} of main: done, 3,000 rows\n")
        until(lambda: len(people(customerio)) == 3000, "everybody in Customer.io")


def test_a_backfill_that_cannot_work_is_refused(surroundings: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    environ = surroundings()
    missing = connector("backfill", "all", tmp_path / "nowhere.json", environ=environ)
    assert (missing.code, missing.out) == (1, "")
    assert "there is no such file on" in missing.err
    listed = tmp_path / "list.txt"
    listed.write_text("# nothing\n\nftp://example.com/x.csv\n")
    wrong = connector("backfill", "all", "--list", listed, environ=environ)
    assert (wrong.code, wrong.out) == (1, "")
    assert "'ftp://example.com/x.csv' is not accepted: give http:// or https://" in wrong.err
    assert connector("jobs", "--json", environ=environ).rows() == []
