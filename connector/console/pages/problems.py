"""/problems: what needs a human, by its cause; one with all that belongs to it; replayed or discarded."""

from math import isfinite
from typing import get_args
from urllib.parse import urlencode

from connector.admin import problem_advice, problem_list
from connector.admin import problems as remedy
from connector.console.page import Desk, Page, Redirect, Route, Visit
from connector.errors import ConnectorError
from connector.model.problem import ProblemKind
from connector.model.problem_filter import ProblemFilter

SHOWN = 100
_KINDS = get_args(ProblemKind)
_FIELDS = ("kind", "sync", "subject", "cause", "lately", "until")
LATELY = {"": "ever", "3600": "the last hour", "86400": "the last day", "604800": "the last week"}


def groups(desk: Desk, visit: Visit) -> Page:
    """Shows problems by their cause."""
    which = asked(desk, visit)
    context = {
        "groups": problem_list.grouped(desk.reads.store, which),
        "most": problem_list.MOST_GROUPS,
        "looked_at": problem_list.LOOKED_AT,
        "filtered": which != problem_list.ANYTHING,
    }
    return _page("problems.html", desk, visit, context)


def listing(desk: Desk, visit: Visit) -> Page:
    """Shows problems one after the other, the latest first."""
    found = problem_list.latest(desk.reads.store, asked(desk, visit), _after(visit.given("after")), SHOWN + 1)
    shown = found[:SHOWN]
    more = f"{shown[-1].last_at!r}~{shown[-1].id}" if len(found) > SHOWN else ""
    advice = problem_advice.advice(shown[0].problem.kind) if visit.given("cause") and shown else None
    return _page("problem_list.html", desk, visit, {"problems": shown, "next": more, "advice": advice})


def one(desk: Desk, visit: Visit) -> Page:
    """Shows one problem, with what it stopped and what else there is about whom it is about."""
    kept = remedy.find(desk.reads, visit.path["id"])
    context = {
        "kept": kept,
        "advice": problem_advice.advice(kept.problem.kind),
        "others": problem_list.others(desk.reads.store, kept),
        "of_user": problem_list.is_of_user(kept),
        "cause": problem_list.cause_of(kept),
    }
    return _page("problem.html", desk, visit, context)


def replay(desk: Desk, visit: Visit) -> Redirect:
    """Tries again what a problem stopped."""
    kept = remedy.find(desk.runtime, visit.path["id"])
    _refuse_held(kept.problem.kind)
    said = remedy.replay(desk.runtime, kept)
    return Redirect("/problems", f"Replayed: {said}." if visit.visitor.sees_people else "Replayed.")


def discard(desk: Desk, visit: Visit) -> Redirect:
    """Takes a problem from the list."""
    kept = remedy.find(desk.runtime, visit.path["id"])
    _refuse_held(kept.problem.kind)
    remedy.discard(desk.runtime, kept)
    return Redirect("/problems", "Discarded.")


def _refuse_held(kind: str) -> None:
    if kind == "held":
        raise ConnectorError("held deletions are let go or dropped on the page Held deletions: there it says whose")


def _page(template: str, desk: Desk, visit: Visit, context: dict[str, object]) -> Page:
    given = {name: visit.given(name) for name in _FIELDS}
    shared = {
        "given": given,
        "link": lambda path, **more: _link(path, given | more),
        "kinds": _KINDS,
        "syncs": sorted(rules.name for rules in desk.runtime.syncs),
        "periods": LATELY,
        "advice_of": problem_advice.advice,
        "may_see": lambda kind: visit.visitor.sees_people or not problem_advice.is_personal(kind),
    }
    return Page(template, shared | context, about_people=True)


def _link(path: str, query: dict[str, str]) -> str:
    said = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{said}" if said else path


def asked(desk: Desk, visit: Visit) -> ProblemFilter:
    """Returns which problems an address asks for. Raises ConnectorError for a kind or a period that is none."""
    kind, lately = visit.given("kind"), visit.given("lately")
    if kind and kind not in _KINDS:
        raise ConnectorError(f"there is no kind {kind!r} of problems: there are {', '.join(_KINDS)}")
    since = 0.0
    if lately:
        with desk.reads.store.reading() as tx:
            since = desk.reads.store.now(tx) - _number(lately)
    until = visit.given("until")
    subject, sync, cause = (visit.given(name) for name in ("subject", "sync", "cause"))
    return ProblemFilter(kind, sync, subject, cause, since, _number(until) if until else None)


def _after(text: str) -> tuple[float, str] | None:
    at, _, id = text.partition("~")
    return (_number(at), id) if text else None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ConnectorError(f"{text[:50]!r} is no number: seconds are meant")
    return number


def _subject(visit: Visit) -> str:
    return visit.path["id"]


ROUTES = (
    Route("/problems", groups),
    Route("/problems/list", listing),
    Route("/problems/{id}", one),
    Route("/problems/{id}/replay", replay, "operator", "POST", "problems replay", _subject),
    Route("/problems/{id}/discard", discard, "operator", "POST", "problems discard", _subject),
)
