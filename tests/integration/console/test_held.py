"""/held: whose deletions are held, and letting them go or dropping them, by one person or by two."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from connector.admin import approvals, held, problems
from connector.admin.operator_acts import SUBJECT_CHARACTERS, digest
from connector.console.page import Desk, Visit
from connector.console.pages import held as page
from connector.console.visitor import Visitor
from connector.errors import ConnectorError
from connector.model.approval import ApprovalRequest
from connector.store import approvals as kept_approvals
from connector.store import deletion_guard, operator_log
from tests.console import Browser, password_hash
from tests.hostile_texts import HOSTILE_TEXTS
from tests.simulated import Simulated
from tests.world import World, message

OpenConsole = Callable[..., Browser]
MakeWorld = Callable[..., World]
GUARD = {"share": 0.2, "at_least": 1}
ADA, BOB = Visitor("ada", "approver", "password"), Visitor("bob", "approver", "password")
MASKED = Visitor("eve", "masked_viewer", "password")
USERS = {"ada": {"role": "approver", "password_hash": password_hash()}}


def held_world(make_world: MakeWorld, **settings: Any) -> World:
    """Ten people, of whom five have left; all five are held."""
    world = make_world(sync={"deletion_guard": GUARD, "segment_attribute": "hull_segment"}, **settings)
    world.take(*(message(f"u{number}", 1, email=f"u{number}@example.com") for number in range(10)))
    world.settle()
    world.take(*(message(f"u{number}", 2, segments=[]) for number in range(5)))
    world.settle()
    return world


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return held_world(make_world)


@pytest.fixture
def two(make_world: MakeWorld) -> World:
    return held_world(make_world, console={"two_person_approval": True, "users": USERS})


def left(world: World) -> int:
    with world.store.reading() as tx:
        return deletion_guard.held(tx, "main")


def visit(visitor: Visitor, form: dict[str, tuple[str, ...]] | None = None, **path: str) -> Visit:
    return Visit(visitor, path, {}, form or {})


def desk(world: World) -> Desk:
    return Desk(world.runtime, world.runtime)


def test_the_pages_say_how_many_of_how_many_are_held_and_whose(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    assert "5 deletions are held" in browser.text("/held")
    shown = browser.text("/held/main")
    assert "5 of 10 people would be deleted" in shown
    assert "the guard lets 2 pass within 1 h" in shown
    assert all(f"u{number}" in shown for number in range(5))
    assert "segments names none of theirs" in shown


def test_the_segments_that_they_left_are_those_that_customerio_was_last_told_of(
    world: World, open_console: OpenConsole
) -> None:
    assert "Segments that they left paying: 5" in open_console(world).text("/held/main")


def test_where_nothing_is_held_the_pages_say_so(make_world: MakeWorld, open_console: OpenConsole) -> None:
    browser = open_console(make_world())
    assert "No deletions are held" in browser.text("/held")
    assert "No deletions of main are held" in browser.text("/held/main")
    assert "there is no sync 'other'" in browser.text("/held/other", 404)


def test_a_confirmation_says_what_will_happen_and_changes_nothing(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    asked = browser.post("/held/main/choose", {"all": "yes", "what": "approve"}, page="/held/main")
    assert "5 people or objects are deleted from Customer.io" in asked
    assert "cannot be taken back" in asked
    assert left(world) == 5


def test_all_are_let_go_and_deleted(world: World, simulator: Simulated, open_console: OpenConsole) -> None:
    browser = open_console(world)
    form = {"all": "yes", "count": "5"}
    assert "5 deletions of main are let go" in browser.post("/held/main/approve", form, page="/held/main")
    world.settle()
    assert (left(world), sorted(simulator.people())) == (0, [f"u{number}" for number in range(5, 10)])
    assert world.problems() == []


def test_chosen_ones_go_and_the_others_stay_held(world: World, simulator: Simulated, open_console: OpenConsole) -> None:
    browser = open_console(world)
    form = {"who": ["person:u1", "person:u3"], "count": "2"}
    assert "2 deletions of main are let go" in browser.post("/held/main/approve", form, page="/held/main")
    world.settle()
    assert left(world) == 3
    assert {"u1", "u3"}.isdisjoint(simulator.people())
    assert {"u0", "u2", "u4"} <= set(simulator.people())
    assert [kind for kind, _, _ in world.problems()] == ["held"]


def test_chosen_ones_are_dropped_and_the_last_of_them_ends_the_hold(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    for number in range(5):
        form = {"who": f"person:u{number}", "count": "1"}
        assert "1 deletion of main is dropped: that one stays" in browser.post(
            "/held/main/drop", form, page="/held/main"
        )
    assert (left(world), world.problems(), world.due()) == (0, [], 0)


def test_nothing_is_done_where_more_are_held_than_were_seen(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    said = browser.post("/held/main/approve", {"all": "yes", "count": "4"}, page="/held/main", status=409)
    assert "5 deletions are held by now, 4 were when this was asked: nothing is done" in said
    assert left(world) == 5


@pytest.mark.parametrize(
    "form", [{"count": "1"}, {"who": "nobody", "count": "1"}, {"all": "yes"}, {"all": "yes", "count": "9" * 5000}]
)
def test_a_form_that_does_not_say_what_is_meant_changes_nothing(
    world: World, open_console: OpenConsole, form: dict[str, str]
) -> None:
    open_console(world).post("/held/main/approve", form, page="/held/main", status=409)
    assert left(world) == 5


def test_a_form_without_its_token_changes_nothing(world: World, open_console: OpenConsole) -> None:
    answer = open_console(world).client.post("/held/main/approve", data={"all": "yes", "count": "5"})
    assert (answer.status_code, left(world)) == (403, 5)


def test_only_an_approver_may_decide() -> None:
    assert {each.role for each in page.ROUTES if each.method == "POST"} == {"approver"}


def test_what_was_decided_stands_in_the_log_of_operators(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    browser.post("/held/main/approve", {"who": ["person:u1"], "count": "1"}, page="/held/main")
    with world.store.reading() as tx:
        (act,) = operator_log.find(tx, 0.0, "", 10)
    assert (act.act, act.subject, act.outcome) == ("approve", f"main: 1 chosen {digest('u1')}", "done")


def test_a_masked_viewer_finds_nobody_in_a_page_or_in_a_download(world: World) -> None:
    from connector.console import rendering

    shown = page.of_sync(desk(world), visit(MASKED, sync="main"))
    html = rendering.rendered(
        shown.template, visitor=MASKED, sees_people=False, csrf="x", note="", navigation=(), path="/held/main",
        version="1", **shown.context,
    )  # fmt: skip
    table = page.download(desk(world), visit(MASKED, sync="main")).body
    assert [f"u{number}" in text for number in range(5) for text in (html, table)] == [False] * 10


def test_a_download_has_all_of_them_and_no_formula(make_world: MakeWorld, open_console: OpenConsole) -> None:
    world = make_world(sync={"deletion_guard": GUARD})
    names = ["=1+1", "+2", "plain", 'quo"te,']
    world.take(*(message(name, 1, external_id=f"e{at}") for at, name in enumerate(names)))
    world.settle()
    world.take(*(message(name, 2, external_id=f"e{at}", segments=[]) for at, name in enumerate(names)))
    world.settle()
    answer = open_console(world).client.get("/held/main/download")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sorted(row["key"] for row in rows) == sorted(["'=1+1", "'+2", "plain", 'quo"te,'])
    assert 'filename="held-main.csv"' in answer.headers["content-disposition"]


def test_people_are_listed_page_by_page(world: World) -> None:
    seen: list[str] = []
    after = None
    while found := held.people(world.runtime, "main", after, 2):
        seen += [each.key for each in found]
        after = (found[-1].kind, found[-1].key)
    assert seen == [f"u{number}" for number in range(5)]


def test_two_people_are_needed_who_are_not_the_same(two: World, simulator: Simulated) -> None:
    form = {"who": ("person:u1", "person:u2"), "count": ("2",)}
    asked = page.approve(desk(two), visit(ADA, form, sync="main"))
    assert "somebody else has to confirm it" in asked.message
    assert left(two) == 5
    ((request,), _) = approvals.latest(two.runtime)
    with pytest.raises(ConnectorError, match="somebody else has to confirm"):
        approvals.confirm(two.runtime, request.id, "Ada")
    assert "2 deletions are let go" in page.confirm(desk(two), visit(BOB, id=request.id)).message
    two.settle()
    assert left(two) == 3
    assert {"u1", "u2"}.isdisjoint(simulator.people())
    with pytest.raises(ConnectorError, match="is confirmed: nothing is done"):
        approvals.confirm(two.runtime, request.id, "bob")


def test_a_request_expires(two: World) -> None:
    request = approvals.ask(two.runtime, "main", None, "ada", 5)
    with two.store.writing() as tx:
        tx.execute(text("UPDATE approval SET expires_at = 1"))
    with pytest.raises(ConnectorError, match="is expired: nothing is done"):
        approvals.confirm(two.runtime, request.id, "bob")
    assert left(two) == 5


def test_a_request_that_was_withdrawn_lets_nobody_go(two: World) -> None:
    request = approvals.ask(two.runtime, "main", None, "ada", 5)
    page.withdraw(desk(two), visit(ADA, id=request.id))
    with pytest.raises(ConnectorError, match="is withdrawn"):
        approvals.confirm(two.runtime, request.id, "bob")


def test_those_that_wait_are_bounded_however_many_later_ones_were_withdrawn(two: World) -> None:
    for _ in range(approvals.MOST_WAITING):
        approvals.ask(two.runtime, "main", None, "ada", 5)
    with two.store.writing() as tx:
        now = two.store.now(tx)
        for number in range(60):
            kept_approvals.add(tx, ApprovalRequest(f"w{number}", "main", None, 5, "ada", now, now + 60.0, "withdrawn"))
    with pytest.raises(ConnectorError, match="20 requests wait already"):
        approvals.ask(two.runtime, "main", None, "ada", 5)


def test_a_request_for_all_does_not_let_those_go_who_came_later(two: World) -> None:
    request = approvals.ask(two.runtime, "main", None, "ada", 5)
    two.run(message("u9", 2, segments=[]))
    with pytest.raises(ConnectorError, match="6 deletions are held by now, 5 were when this was asked"):
        approvals.confirm(two.runtime, request.id, "bob")
    assert left(two) == 6


def test_a_command_lets_none_go_where_two_people_are_needed(two: World) -> None:
    with pytest.raises(ConnectorError, match="two people"):
        problems.approve(two.runtime, "main")
    assert problems.drop(two.runtime, "main") == 5


def test_where_nobody_signs_in_two_people_cannot_be_told_apart(make_world: MakeWorld) -> None:
    world = held_world(make_world, console={"two_person_approval": True})
    with pytest.raises(ConnectorError, match="configure a sign-in"):
        page.approve(desk(world), visit(ADA, {"all": ("yes",), "count": ("5",)}, sync="main"))


def test_whoever_is_forgotten_stands_in_no_request_any_more(two: World) -> None:
    from connector.store import approvals as stored

    approvals.ask(two.runtime, "main", [("person", "u1"), ("person", "u2")], "ada", 2)
    with two.store.writing() as tx:
        stored.forget(tx, "main", "u1")
    ((request,), _) = approvals.latest(two.runtime)
    assert (request.names, request.count) == ((("person", "u2"),), 1)


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_hostile_names_are_text(make_world: MakeWorld, open_console: OpenConsole, name: str) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.01, "at_least": 0}})
    world.run(message(name, 1, external_id="e1"), message(name, 2, external_id="e1", segments=[]))
    assert left(world) == 1
    browser = open_console(world)
    assert "<script>alert" not in browser.get("/held/main")
    form = {"who": page._text("person", name), "count": "1"}
    assert "1 deletion of main is let go" in browser.post("/held/main/approve", form, page="/held/main")


def test_a_guard_that_is_off_is_said_to_let_all_pass(make_world: MakeWorld, open_console: OpenConsole) -> None:
    shown = open_console(make_world(sync={"deletion_guard": {"share": 1.0}})).text("/held")
    assert ("every one: it is off" in shown, "50 within" in shown) == (True, False)


def test_whose_deletion_was_dropped_is_said_to_be_there_still(world: World, open_console: OpenConsole) -> None:
    held.settle(world.runtime, "main", [("person", "u0")], delete_them=False)
    shown = open_console(world).text("/people/u0")
    assert "They are not to be in Customer.io, and are there still: their deletion was dropped" in shown


def test_a_person_tells_who_dropped_their_deletion(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    form = {"who": ["person:u0"], "count": "1"}
    browser.post("/held/main/drop", form, page="/held/main")
    assert "approve --drop by local: done" in browser.text("/people/u0")
    assert "approve --drop by local" not in browser.text("/people/u1")


def test_whom_many_chosen_are_does_not_overflow_the_log(world: World) -> None:
    named = tuple(f"person:u{number}" for number in range(100))
    noted = page._subject(visit(ADA, {"who": named}, sync="main"))
    assert noted == "main: 100 chosen"
    most = page._subject(visit(ADA, {"who": named[: page._NAMED]}, sync="s" * 60))
    assert len(most) <= SUBJECT_CHARACTERS


def test_a_download_shows_whom_its_page_shows_after_asking(make_world: MakeWorld, open_console: OpenConsole) -> None:
    world = make_world(sync={"deletion_guard": GUARD}, console={"masked": True})
    world.take(*(message(f"marker-{at}", 1, external_id=f"e{at}") for at in range(4)))
    world.settle()
    world.take(*(message(f"marker-{at}", 2, external_id=f"e{at}", segments=[]) for at in range(4)))
    world.settle()
    browser = open_console(world)
    assert "marker" not in browser.get("/held/main/download")
    browser.post("/reveal", {"subject": digest("/held/main"), "to": "/held/main"}, page="/held/main")
    assert "marker-3" in browser.get("/held/main/download")
