"""`connector alerts`, in this process: what is listed, taken on, and tried."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector.admin.status import gathered
from connector.cli import commands
from connector.model.alert import AlertState, Notice, Routed
from connector.settings.schema import load
from connector.store import alerts
from connector.store.engine import Store
from tests.build_settings import values, write

Run = Callable[..., Result]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HELD = AlertState("deletions held: main", "deletions held", "main", "page", "The guard holds 3 deletions", 1, 1000.0)


@pytest.fixture
def run(file_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    given = values(store=file_url, alerts={"channels": {"ops": {"severities": ["page"]}}})
    environment = write(tmp_path, given)
    hook = {"WEBHOOK_URL": "http://127.0.0.1:9/hidden", "WEBHOOK_SECRET": SECRET}
    environment |= {f"CONNECTOR__ALERTS__CHANNELS__OPS__{name}": value for name, value in hook.items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(commands.app, ["alerts", *words])


@pytest.fixture
def _held(file_url: str) -> None:
    store = Store(file_url)
    with store.writing() as tx:
        alerts.keep(tx, [HELD])
        notice = Notice(HELD.key, 1, 1, "opened", HELD.kind, "main", "page", HELD.sentence, 1000.0, 1000.0)
        alerts.tell(tx, [Routed("ops", notice, 1000.0)])
        alerts.claim(tx, "ops", "me", 1001.0, 60.0)
        alerts.failed(tx, "ops", "me", "it answered 500", 1001.0, 30.0)
    store.close()


@pytest.mark.usefixtures("_held")
def test_what_is_open_is_listed_and_can_be_taken_on_once(run: Run) -> None:
    listed = run()
    assert "deletions held: main" in listed.output
    assert "channel ops: fails since 1970-01-01 00:16:41 UTC, 1 notices wait: it answered 500" in listed.output
    assert run("acknowledge").output == "deletions held: main: taken on\n"
    assert run("acknowledge", "deletions held: main").exit_code == 1
    assert "taken on" in run().output
    assert '"open":true' in run("--json").output


def test_a_test_message_that_is_not_taken_is_said_without_the_channels_address(run: Run) -> None:
    tried = run("test", "ops")
    assert (tried.exit_code, tried.output) == (1, "ops: no answer: ConnectError\n")
    assert "there is no channel 'none'" in str(run("test", "none").exception)


@pytest.mark.usefixtures("_held", "run")
def test_status_shows_alerts_and_the_channels_that_fail(file_url: str) -> None:
    store = Store(file_url)
    found = gathered(load(Path("settings.toml")), store, None, 300.0)
    store.close()
    assert [(each["alert"], each["acknowledged"]) for each in found["alerts"]] == [("deletions held: main", False)]
    (ops,) = found["channels"]
    assert (ops["fails"], ops["reason"], ops["waiting"]) == (True, "it answered 500", 1)
