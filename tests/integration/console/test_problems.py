"""/problems: what needs a human, by its cause, and one replayed or discarded."""

from collections.abc import Callable
from typing import get_args

import pytest

from connector.admin import problem_advice
from connector.admin import problems as remedies
from connector.console import rendering
from connector.console.page import Desk, Visit
from connector.console.pages import problems as page
from connector.console.visitor import Visitor
from connector.errors import ConnectorError
from connector.intake import bodies
from connector.model.problem import Problem, ProblemKind
from connector.store import problems
from tests.console import Browser, signing_in
from tests.hostile_texts import HOSTILE_TEXTS
from tests.simulated import Simulated
from tests.world import World, message

OpenConsole = Callable[..., Browser]
MASKED = Visitor("eve", "masked_viewer", "password")


def add(world: World, *found: Problem, ago: float = 0.0) -> list[str]:
    with world.store.writing() as tx:
        return problems.add(tx, "main", found, world.store.now(tx) - ago)


def refused(count: int) -> list[Problem]:
    return [Problem("refused", f"u{number}", f"u{number} refused: 400", {"email": "x"}) for number in range(count)]


def left(world: World) -> list[str]:
    return sorted(subject for _, subject, _ in world.problems())


def test_problems_of_one_cause_are_one_line_with_what_to_do(world: World, open_console: OpenConsole) -> None:
    add(world, *refused(3), Problem("conflict", "u9", "id:7 is the identifier of the user 'u8' too"))
    shown = open_console(world).text("/problems")
    assert "Customer.io refused an item for good" in shown
    assert "3 problems 3 people came 3 times" in shown
    assert "When two users claim one identifier" in shown


def test_where_there_is_none_the_page_says_so(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    assert "No problems: nothing needs a human" in browser.text("/problems")
    assert "No problems are so" in browser.text("/problems", kind="refused")
    assert "No problems are so" in browser.text("/problems/list")
    assert "this problem is not there any more" in browser.text("/problems/abc", 404)


def test_problems_are_found_by_kind_sync_period_and_user(world: World, open_console: OpenConsole) -> None:
    add(world, *refused(2))
    add(world, Problem("action", "old", "no"), ago=7200.0)
    browser = open_console(world)
    assert "old" not in browser.text("/problems/list", lately="3600")
    assert "u1 refused" not in browser.text("/problems/list", kind="action")
    shown = browser.text("/problems/list", subject="u1", sync="main")
    assert ("u1 refused" in shown, "u0 refused" in shown) == (True, False)
    assert "there is no kind 'nonsense'" in browser.text("/problems", 404, kind="nonsense")
    assert "is no number" in browser.text("/problems", 404, lately="inf")


def test_who_looks_at_about_the_same_time_at_what_came_lately_shares_what_was_read(world: World) -> None:
    visit = Visit(MASKED, query={"lately": "3600"})
    with world.store.reading() as tx:
        now = world.store.now(tx)
    since = page.asked(Desk(world.runtime, world.runtime), visit).since
    assert since % 10 == 0
    assert now - 3600 - 10 < since <= now - 3600 + 10


def test_a_long_list_goes_on_behind_a_link(world: World, open_console: OpenConsole) -> None:
    add(world, *refused(page.SHOWN + 1))
    browser = open_console(world)
    first = browser.get("/problems/list", kind="refused")
    (link,) = [part.split('"')[0] for part in first.split('href="')[1:] if "after=" in part.split('"')[0]]
    second = browser.get(link.replace("&amp;", "&"))
    assert (first.count("/problems/"), "Next ones" in second) > (page.SHOWN, False)
    assert "u" in second


def test_one_problem_is_shown_with_what_it_stopped_and_the_others_of_its_user(
    world: World, open_console: OpenConsole
) -> None:
    first, _ = add(world, *refused(1), Problem("attribute", "u0", "'plan' is too long"))
    shown = open_console(world).text(f"/problems/{first}")
    assert '"email": "x"' in shown
    assert "attribute: 'plan' is too long" in shown


def test_one_is_replayed_and_gone(world: World, simulator: Simulated, open_console: OpenConsole) -> None:
    world.run(message("u0", 1))
    (id,) = add(world, *refused(1))
    browser = open_console(world)
    assert "Replayed: u0 is due again" in browser.post(f"/problems/{id}/replay", page=f"/problems/{id}")
    assert (left(world), world.due()) == ([], 1)


def test_one_is_discarded_and_nothing_else_changes(world: World, open_console: OpenConsole) -> None:
    id, _ = add(world, *refused(2))
    assert "Discarded" in open_console(world).post(f"/problems/{id}/discard", page=f"/problems/{id}")
    assert (left(world), world.due()) == (["u1"], 0)


def test_what_cannot_be_replayed_stays_with_the_reason(world: World, open_console: OpenConsole) -> None:
    (id,) = add(world, Problem("action", "u1", "no"))
    said = open_console(world).post(f"/problems/{id}/replay", page=f"/problems/{id}", status=409)
    assert "is solved by the user's next message" in said
    assert left(world) == ["u1"]


@pytest.mark.parametrize("act", ["replay", "discard"])
def test_held_deletions_are_not_decided_here(world: World, open_console: OpenConsole, act: str) -> None:
    (id,), (other,) = add(world, Problem("held", "main", "too many")), add(world, *refused(1))
    said = open_console(world).post(f"/problems/{id}/{act}", page=f"/problems/{other}", status=409)
    assert "on the page Held deletions" in said
    assert left(world) == ["main", "u0"]


def test_every_kind_says_what_to_do() -> None:
    unknown = problem_advice.advice("of another version")
    assert [kind for kind in get_args(ProblemKind) if problem_advice.advice(kind) == unknown] == []


def test_changes_need_an_operator() -> None:
    assert {each.role for each in page.ROUTES if each.method == "POST"} == {"operator"}


def test_a_masked_viewer_finds_nobody(world: World) -> None:
    (id, _) = add(
        world,
        Problem(
            "conflict", "secret-user", "email:secret@example.com is the identifier of secret-user too", {"a": "secret"}
        ),
        Problem("attribute", "secret-user", "secret"),
    )
    desk = Desk(world.runtime, world.runtime)
    for handler, path in ((page.groups, {}), (page.listing, {}), (page.one, {"id": id})):
        shown = handler(desk, Visit(MASKED, path))
        html = rendering.rendered(
            shown.template, visitor=MASKED, sees_people=False, csrf="x", note="", navigation=(), path="/", version="1",
            **shown.context,
        )  # fmt: skip
        assert "secret" not in html


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, "x" * 100_000, "nul\0in it"])
def test_hostile_reasons_and_payloads_are_text(world: World, open_console: OpenConsole, text: str) -> None:
    (id,) = add(world, Problem("refused", text[:200], text, {text: text}))
    browser = open_console(world)
    for path in ("/problems", "/problems/list", f"/problems/{id}"):
        html = browser.get(path)
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "49" not in browser.text(path) or "{{" not in text


def unreadable(world: World, sent: object) -> str:
    """Takes in what cannot be read, and returns the id of its problem."""
    bodies.take(world.store, world.runtime.syncs, "native", [sent], 10_000)
    with world.store.reading() as tx:
        return problems.kept(tx, limit=1)[0].id


def test_why_a_message_still_cannot_be_read_is_not_told_to_who_sees_it_masked(
    make_world: Callable[..., World], open_console: OpenConsole
) -> None:
    world = make_world(console={"masked": True, **signing_in(ada="operator")})
    id = unreadable(world, {"user": {"id": "u1"}, "segments": "marker"})
    browser = open_console(world)
    browser.sign_in("ada")
    said = browser.post(f"/problems/{id}/replay", page=f"/problems/{id}", status=409)
    assert ("cannot be replayed as it is" in said, "marker" in said) == (True, False)


def test_what_could_not_be_replayed_is_shown_again_with_its_buttons(world: World, open_console: OpenConsole) -> None:
    id = unreadable(world, {"a": 1})
    browser = open_console(world)
    said = browser.post(f"/problems/{id}/replay", page=f"/problems/{id}", status=409)
    assert ("This did not work" in said, "Replay Discard" in said) == (True, True)


def test_a_message_that_still_cannot_be_read_is_refused_for_what_is_wrong_now(world: World) -> None:
    kept = remedies.find(world.runtime, unreadable(world, {"user": {"id": "u1"}, "segments": "none"}))
    assert "segments" in kept.problem.reason
    with pytest.raises(ConnectorError, match="as lytics: ") as refused_for:
        remedies.replay(world.runtime, kept, "lytics")
    assert kept.problem.reason not in str(refused_for.value)
