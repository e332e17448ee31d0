"""Who did what by hand, on SQLite and on PostgreSQL: every command that changes something is noted."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from connector.admin import operator_acts
from connector.admin.retention import retain
from connector.cli import commands
from connector.cli import operator_acts as acts_of_commands
from connector.model.problem import Problem
from connector.settings.retention import RetentionSettings
from connector.store import jobs, operator_log, problems
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.store.operator_log import OperatorAct
from tests.build_settings import rules, values, write

EMAIL = "ada@example.com"
READING = {
    "run", "web", "demo", "check", "plan", "status", "show", "health", "simulator", "import-hull", "problems",
    "problems show", "sources", "dead-letters", "queues", "jobs", "jobs follow", "profiles", "profiles show",
    "profiles export", "webhooks", "imports", "alerts", "alerts test", "calls", "calls show", "operator-log",
    "console", "console hash", "mcp",
}  # fmt: skip
"""Commands that change nothing by themselves. What an agent does by `mcp` is noted by its tools."""


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Store]:
    """A store in a file, for commands: what they leave open when they fail ends with them."""
    with closing(Store(f"sqlite:///{tmp_path}/connector.db")) as opened:
        migrate(opened)
        yield opened


@pytest.fixture
def environ(on_file: Store, tmp_path: Path) -> dict[str, str]:
    """What commands over the store of the test are told."""
    return write(tmp_path, values(store=str(on_file.url))) | {"CONNECTOR_OPERATOR": "mira"}


@pytest.fixture
def command(environ: dict[str, str]) -> Callable[..., Result]:
    """Runs a command."""
    return lambda *arguments: CliRunner().invoke(commands.app, arguments, env=environ)


def acts(store: Store, act: str = "", since: float = 0.0) -> list[OperatorAct]:
    with store.reading() as tx:
        return operator_log.find(tx, since, act, 100)[::-1]


def noted(store: Store) -> list[tuple[str, str, str]]:
    return [(each.act, each.subject, each.outcome) for each in acts(store)]


def words(path: str, found: Any) -> set[str]:
    below = getattr(found, "commands", {}).items()
    return {path}.union(*(words(f"{path} {name}", each) for name, each in below))


def test_every_command_is_noted_or_changes_nothing() -> None:
    every = set[str]().union(*(words(name, commands.load(name)) for name in commands.NAMES))
    assert every - READING == set(acts_of_commands.CHANGING)


def test_who_did_what_and_what_came_of_it_is_noted(on_file: Store, command: Callable[..., Result]) -> None:
    with on_file.writing() as tx:
        problems.add(tx, "main", [Problem("action", "user-1", "no such action")], on_file.now(tx))
        [kept] = problems.kept(tx)
    for arguments in (["resume", "main"], ["problems", "discard", kept.id], ["resume", "nowhere"]):
        command(*arguments)
    assert noted(on_file) == [
        ("resume", "main", "done"),
        ("problems discard", kept.id, "done"),
        ("resume", "nowhere", "failed"),
    ]
    [first, *_] = acts(on_file)
    assert (first.operator, first.door) == ("mira", "command")
    assert [each.act for each in acts(on_file, "problems")] == ["problems discard"]
    assert acts(on_file, since=first.at + 3600) == []


@pytest.mark.parametrize("detached", [["problems", "replay", "--all", "--yes"], ["resync", "main"]], ids=" ".join)
def test_of_a_job_that_is_left_to_workers_it_is_noted_that_it_was_started(
    on_file: Store, command: Callable[..., Result], detached: list[str]
) -> None:
    with on_file.writing() as tx:
        problems.add(tx, "main", [Problem("refused", "user-1", "400")], on_file.now(tx))
    assert command(*detached, "--detach").exit_code == 0
    with on_file.reading() as tx:
        (job,) = jobs.find(tx)
    assert [each.outcome for each in acts(on_file)] == [f"started as job {job.id}"]


def test_of_a_job_that_was_followed_to_its_end_what_came_of_it_is_noted(
    on_file: Store, command: Callable[..., Result]
) -> None:
    with on_file.writing() as tx:
        problems.add(tx, "main", [Problem("refused", "user-1", "400")], on_file.now(tx))
    command("problems", "replay", "--all", "--yes")
    assert noted(on_file) == [("problems replay --all", "", "done")]


def test_the_command_asks_about_what_will_be_replayed_and_says_what_is_left_out(
    on_file: Store, command: Callable[..., Result]
) -> None:
    others = [Problem("held", "main", "too many"), Problem("action", "u8", "no"), Problem("action", "u9", "no")]
    with on_file.writing() as tx:
        problems.add(tx, "main", [Problem("refused", "user-1", "400"), *others], on_file.now(tx))
    said = command("problems", "replay", "--all", "--yes")
    assert "1 of held deletions left out: `connector approve` lets these go." in said.output
    assert "2 left out that no replay mends: 2 action." in said.output
    assert "1 of 1 problems, 1 done" in said.output
    assert said.exit_code == 0, "all that was asked about is done"
    again = command("problems", "replay", "--all", "--yes")
    assert (again.exit_code, "Nothing was done." in again.output) == (0, True)
    assert command("problems", "replay", "--all", "--kind", "refused", "--yes").output.strip() == "No problems."


def test_what_only_looks_is_not_noted_and_with_its_flag_it_is(on_file: Store, command: Callable[..., Result]) -> None:
    for arguments in (["status"], ["diff", "main"], ["problems"], ["diff", "main", "--apply", "--yes"]):
        command(*arguments)
    assert noted(on_file) == [("diff --apply", "main", "done")]


def test_of_whom_is_forgotten_only_a_digest_stays(on_file: Store, command: Callable[..., Result]) -> None:
    command("forget", EMAIL.upper(), "--suppress", "--yes")
    [(act, subject, outcome)] = noted(on_file)
    assert (act, subject, outcome) == ("forget --suppress", operator_acts.digest(EMAIL), "failed")
    with on_file.reading() as tx:
        assert EMAIL not in str(tx.execute(text("SELECT * FROM operator_log")).all()).lower()


def test_an_act_is_there_from_its_beginning(store: Store) -> None:
    with store.writing() as tx:
        id = operator_log.begin(tx, OperatorAct(store.now(tx), "mira", "command", "approve", "main"))
    assert noted(store) == [("approve", "main", "begun")]
    with store.writing() as tx:
        operator_log.end(tx, id, "done")
    assert noted(store) == [("approve", "main", "done")]


def test_who_acts_is_the_user_of_the_machine_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(acts_of_commands.OPERATOR, raising=False)
    assert "@" in acts_of_commands.operator()


def test_what_is_old_is_dropped(store: Store) -> None:
    with store.writing() as tx:
        for days in (1, 400):
            act = OperatorAct(store.now(tx) - days * 86_400.0, "mira", "command", f"act {days}", "")
            operator_log.begin(tx, act)
    assert retain(store, RetentionSettings(), [rules()])
    assert [each.act for each in acts(store)] == ["act 1"]


def test_the_command_lists_what_was_done(command: Callable[..., Result]) -> None:
    command("resume", "main")
    [found] = map(json.loads, command("operator-log", "--json").output.splitlines())
    assert (found["operator"], found["act"], found["subject"], found["outcome"]) == ("mira", "resume", "main", "done")
    assert "mira" in command("operator-log").output
    assert "Nothing was done by hand." in command("operator-log", "--act", "forget").output


def test_a_store_that_is_away_fails_the_command_and_says_so_once(tmp_path: Path) -> None:
    environ = write(tmp_path, values(store=f"sqlite:///{tmp_path}/nowhere/connector.db"))
    ended = CliRunner().invoke(commands.app, ["resume", "main"], env=environ)
    assert ended.exit_code == 1
    assert "log of operators" not in ended.output
