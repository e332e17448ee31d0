"""The first page: one sentence, what is open, how each sync fares, and who is at work."""

import threading
from collections.abc import Callable
from math import inf

import pytest
from sqlalchemy import text

from connector.admin.recent_depths import RecentDepths
from connector.admin.status import gathered
from connector.errors import ConnectorError
from connector.model.alert import AlertState
from connector.model.problem import Problem
from connector.store import alerts, connection_health, heartbeats, overview, problems, tallies
from connector.store.connection_health import Health
from tests.console import Browser, signing_in, text_of
from tests.servers import free_port
from tests.simulated import Simulated
from tests.world import World, message

OpenConsole = Callable[..., Browser]
MakeWorld = Callable[..., World]


def test_a_line_says_of_a_sync_who_is_there_and_until_when_it_is_in_step(
    world: World, open_console: OpenConsole
) -> None:
    world.run(message("u1", 1), message("u2", 1))
    world.take(message("u3", 1))
    page = open_console(world).get("/")
    assert 'href="/syncs/main"' in page
    assert 'aria-label="delivered a minute in the last hour' in page
    assert "main 20" in text_of(page), "in step until a moment of this century"
    with world.store.reading() as tx:
        found, counted = overview.at_a_glance(tx, "main"), overview.of(tx, "main")
    assert (found.people, found.people_counted, found.due) == (2, "exactly", 1) == (counted.people, "exactly", 1)


def test_what_is_only_known_to_be_more_is_said_to_be_more(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(message("u1", 1), message("u2", 1), message("u3", 1))
    world.take(*(message(f"v{each}", 1) for each in range(5)))
    monkeypatch.setattr(overview, "COUNTED_TO", 2)
    with world.store.reading() as tx:
        found = overview.at_a_glance(tx, "main")
        if not world.store.on_sqlite:
            tx.execute(text("ANALYZE entity"))
            assert overview.at_a_glance(tx, "main").people == 3
    assert (found.due, found.people_counted == "exactly") == (3, False)
    said = gathered(world.settings, world.store, None, 300.0, at_a_glance=True)
    assert said["syncs"]["main"]["due"] == 3
    assert gathered(world.settings, world.store, None, 300.0)["syncs"]["main"]["due"] == 5, "a command counts them all"


def test_open_alerts_come_before_the_syncs(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        opened = AlertState(
            key="backlog: main", kind="backlog", subject="main", severity="page",
            sentence="The oldest change of <main> waits for 3 h", episode=1, opened_at=1.0, told_at=1.0, flaps=0,
        )  # fmt: skip
        alerts.keep(tx, [opened])
    page = open_console(world).get("/")
    assert page.index("of &lt;main&gt; waits for 3 h") < page.index("<h2>Syncs</h2>")


def test_an_alert_that_leads_to_a_page_stands_in_no_other_link(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        opened = AlertState(
            key="held: main", kind="held", subject="main", severity="page",
            sentence="Held: `connector approve main` lets them go", episode=1, opened_at=1.0, told_at=1.0, flaps=0,
        )  # fmt: skip
        alerts.keep(tx, [opened])
    page = open_console(world).get("/")
    assert 'href="/held/main"' in page
    assert "<a " not in "".join(part.partition("</a>")[0] for part in page.split("<a ")[1:])
    assert '<a href="/alerts">Open alerts</a>' in page


def test_problems_that_wait_for_somebody_are_said_beside_the_sentence(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    assert "for somebody" not in browser.text("/")
    with world.store.writing() as tx:
        problems.add(tx, "main", [Problem("attribute", "u1", "the value is too long")], world.store.now(tx))
    assert browser.text("/").index("1 problem waits for somebody") < browser.text("/").index("Syncs")


def test_held_deletions_lead_to_where_they_are_decided_and_are_no_problem_beside(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.2, "at_least": 1}})
    world.run(*(message(f"u{number}", 1) for number in range(6)))
    world.run(*(message(f"u{number}", 2, segments=[]) for number in range(4)))
    page = open_console(world).get("/")
    assert '<a href="/held">Decide about the held deletions</a>' in page
    assert '<a href="/held/main">' in page
    assert "for somebody" not in page


def test_who_is_at_work_and_who_is_gone_is_listed_with_the_last_sign(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        now = world.store.now(tx)
        heartbeats.beat(tx, "worker", "worker here 1", now)
        heartbeats.beat(tx, "beat", "beat here 2", now - 90)
    read = open_console(world).text("/")
    assert "worker here 1 worker lives" in read
    assert "beat here 2 beat gone" in read


def test_refused_people_of_the_last_hour_are_counted_and_older_ones_are_not(
    world: World, open_console: OpenConsole
) -> None:
    with world.store.writing() as tx:
        now = world.store.now(tx)
        tallies.tally(tx, {tallies.way("main"): {"refused": 4}}, now - 600)
        tallies.tally(tx, {tallies.way("main"): {"refused": 70}}, now - 7200)
    assert '<a href="/problems?sync=main">4</a>' in open_console(world).get("/")


def test_a_broker_that_cannot_be_asked_is_said_and_the_page_is_there(open_console: OpenConsole) -> None:
    fleet = {"broker": {"url": f"amqp://guest:secret-marker@127.0.0.1:{free_port()}//"}}
    page = open_console(**fleet).get("/")
    assert "secret-marker" not in page
    assert "cannot be asked" in page
    assert "<h2>Queues</h2>" in page


def test_a_broker_that_says_nothing_keeps_nobody_waiting() -> None:
    release = threading.Event()
    depths = RecentDepths()

    def silent() -> dict[str, int]:
        release.wait(30)
        return {"segment-changes": 7}

    with pytest.raises(ConnectorError, match="has not answered yet"):
        depths.get(silent, patience=0.01)
    with pytest.raises(ConnectorError, match="has not answered yet"):
        depths.get(lambda: {"another": 1}, patience=0.01)
    release.set()
    assert depths.get(silent, patience=30) == {"segment-changes": 7}
    assert depths.get(lambda: {"another": 1}) == {"segment-changes": 7}, "it is not asked again at once"


def test_since_when_a_queue_is_not_empty_is_known_once_it_was_seen_empty() -> None:
    depths = RecentDepths()
    depths.get(lambda: {"empty": 0, "full": 3}, patience=30)
    assert list(depths.empty_at) == ["empty"]


def test_of_what_is_in_step_problems_and_held_deletions_are_excepted(open_console: OpenConsole) -> None:
    assert "but for what problems are about, and held deletions" in open_console().text("/")


def test_an_operator_resumes_a_paused_workspace(world: World, open_console: OpenConsole, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2/batch", "status": 401})
    world.take(message("u1", 1))
    assert world.cycle()
    browser = open_console(world)
    assert "main: paused" in text_of(browser.get("/"))
    simulator.go_wrong()
    said = browser.post("/workspaces/main/resume")
    assert "main is resumed: it is tried again at once." in said
    assert "main: open" in said
    assert "Resume" not in said
    world.settle()
    assert set(simulator.people()) == {"u1"}


def test_a_workspace_that_the_settings_do_not_name_is_not_resumed(world: World, open_console: OpenConsole) -> None:
    shown = open_console(world).post("/workspaces/other/resume", page="/try", status=409)
    assert "there is no connection 'other': the settings name main" in shown


def test_who_only_looks_is_offered_no_resuming(make_world: MakeWorld, open_console: OpenConsole) -> None:
    world = make_world(console=signing_in(ada="viewer"))
    with world.store.writing() as tx:
        connection_health.pause(tx, "main", Health(paused_until=inf, reason="refused"))
    browser = open_console(world)
    browser.sign_in("ada")
    assert "main: paused refused" in text_of(browser.get("/"))
    assert "/resume" not in browser.get("/")
