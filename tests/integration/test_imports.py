"""Import jobs: what comes while one is paused is kept and neither folded nor sent on; then all of it is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connector.activity import imports
from connector.activity.out import pump
from connector.cli import commands
from connector.errors import ConnectorError, SettingsError
from connector.store.engine import Store
from tests.build_settings import values, write
from tests.integration.test_out import Taker, fold, send, take, target, waiting
from tests.integration.test_profiles import found
from tests.webhooks import reported


def test_what_comes_while_an_import_is_paused_is_folded_when_it_goes_on(store: Store) -> None:
    job = imports.start(store, "in", "main", ["main"], "Activity", "of the first workspace")
    assert imports.pause(store, job.id[:6]).state == "paused"
    take(store, reported(1))
    fold(store)
    assert (found(store, "user-1"), imports.listed(store)[0].waiting) == (None, 1)
    imports.resume(store, "main")
    fold(store)
    assert found(store, "user-1") is not None
    assert (imports.listed(store)[0].waiting, imports.listed(store)[0].job.label) == (0, "Activity")


def test_what_comes_after_the_end_is_folded_by_the_next_import(store: Store) -> None:
    imports.end(store, imports.start(store, "in", "main", ["main"]).id)
    take(store, reported(1))
    fold(store)
    assert found(store, "user-1") is None
    imports.start(store, "in", "main", ["main"])
    fold(store)
    assert found(store, "user-1") is not None
    assert [each.job.state for each in imports.listed(store)] == ["running", "ended"]


def test_of_many_who_start_one_at_the_same_time_one_does(store: Store) -> None:
    def start(_: int) -> bool:
        with suppress(ConnectorError):
            return bool(imports.start(store, "in", "main", ["main"]))
        return False

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert sum(pool.map(start, range(4))) == 1
            imports.end(store, "main")


def test_on_the_way_out_a_pause_keeps_and_an_end_puts_nothing_aside(store: Store) -> None:
    to, taker = target(profiles=False), Taker()
    job = imports.start(store, "out", "there", ["there"])
    imports.pause(store, job.id)
    take(store, reported(1))
    fold(store, to)
    send(store, to, taker)
    assert (taker.taken, len(waiting(store)), pump.due(store, [to])) == ([], 1, [])
    imports.resume(store, job.id)
    send(store, to, taker)
    imports.end(store, job.id)
    take(store, reported(2))
    fold(store, to)
    assert ([each["messageId"] for each in taker.taken], waiting(store)) == (["event-1"], [])


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_what_cannot_be_is_told(store: Store) -> None:
    with pytest.raises(SettingsError, match="no connection 'other': the settings name main"):
        imports.start(store, "in", "other", ["main"])
    job = imports.start(store, "in", "main", ["main"])
    with pytest.raises(ConnectorError, match="is running: end it, or go on with it"):
        imports.start(store, "in", "main", ["main"])
    with pytest.raises(ConnectorError, match="only one that is paused can be running"):
        imports.resume(store, job.id)
    with pytest.raises(ConnectorError, match="must be one import"):
        imports.pause(store, "nothing")


def test_the_commands_say_what_they_did(
    file_url: str, open_store: Callable[[str], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(file_url)
    for name, value in write(tmp_path, values(store=file_url)).items():
        monkeypatch.setenv(name, value)
    file = ["--settings", str(tmp_path / "settings.toml")]

    def run(*words: str) -> str:
        ended = CliRunner().invoke(commands.app, ["imports", *words, *file])
        assert ended.exit_code == 0, ended.output
        return ended.output

    assert run("start", "main", "--label", "Activity").endswith("in main: running\n")
    assert run("pause", "main").endswith("in main: paused\n")
    assert '"label":"Activity"' in run("--json")
    assert "running" not in run()
    assert run("resume", "main").endswith("running\n")
    assert run("end", "main").endswith("ended\n")
