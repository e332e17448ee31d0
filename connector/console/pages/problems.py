"""/problems: the problems that need a human, by cause or one by one; they are replayed or discarded here."""

from functools import partial
from typing import get_args
from urllib.parse import urlencode

from connector.admin import problem_advice, problem_list
from connector.admin import problems as remedy
from connector.bulk import problem_job
from connector.bulk.problem_job import ProblemAct
from connector.console.page import Desk, Page, Redirect, Route, Visit
from connector.console.paging import after, cursor, number_of, offered, seconds
from connector.console.rendering import many
from connector.errors import ConnectorError, NothingLeftError
from connector.model.problem import ProblemKind
from connector.model.problem_filter import ANYTHING, ProblemFilter

SHOWN = 100
_SLOWEST, _FASTEST = 0.1, 10_000.0
_STILL_STANDS = "it cannot be replayed as it is; why not may be personal, and is masked here"
_KINDS = get_args(ProblemKind)
_FIELDS = ("kind", "sync", "subject", "cause", "lately", "since", "until")
_STEP_SECONDS = 10
LATELY = {"": "ever", "3600": "the last hour", "86400": "the last day", "604800": "the last week"}


def groups(desk: Desk, visit: Visit) -> Page:
    """Shows the problems that the address asks for by cause, those first that came most often.

    Raises ConnectorError for a filter that cannot be read.
    """
    which = asked(desk, visit)
    read = partial(problem_list.grouped, desk.reads.store, which, problem_list.LOOKED_AT_BY_PAGES)
    context = {
        "groups": desk.shared.get(("problems", which), read),
        "most": problem_list.MOST_GROUPS,
        "looked_at": problem_list.LOOKED_AT_BY_PAGES,
        "filtered": which != ANYTHING,
    }
    return _page("problems.html", desk, visit, context)


def listing(desk: Desk, visit: Visit) -> Page:
    """Shows the problems that the address asks for one by one, 100 at a time, the latest first.

    Raises ConnectorError for a filter that cannot be read.
    """
    found = problem_list.latest(desk.reads.store, asked(desk, visit), after(visit.given("after")), SHOWN + 1)
    shown = found[:SHOWN]
    more = cursor(shown[-1].last_at, shown[-1].id) if len(found) > SHOWN else ""
    advice = problem_advice.advice(shown[0].problem.kind) if visit.given("cause") and shown else None
    return _page("problem_list.html", desk, visit, {"problems": shown, "next": more, "advice": advice})


def one(desk: Desk, visit: Visit) -> Page:
    """Shows one problem, with what it stopped and the other problems of the same user.

    Raises NothingLeftError where it has been solved meanwhile.
    """
    kept = remedy.of_id(desk.reads, visit.path["id"])
    context = {
        "kept": kept,
        "advice": problem_advice.advice(kept.problem.kind),
        "others": problem_list.others(desk.reads.store, kept),
        "of_user": problem_list.is_of_user(kept),
        "cause": problem_list.cause_of(kept),
        "fault": "",
    }
    return _page("problem.html", desk, visit, context)


def replay(desk: Desk, visit: Visit) -> Redirect:
    """Tries again what a problem stopped.

    Raises NothingLeftError where it has been solved meanwhile, and ConnectorError where it cannot be replayed: held
    deletions never can here. The reason is left out where personal values are masked for the visitor.
    """
    kept = remedy.of_id(desk.runtime, visit.path["id"])
    _refuse_held(kept.problem.kind)
    try:
        said = remedy.replay(desk.runtime, kept)
    except NothingLeftError:
        raise
    except ConnectorError:
        if visit.visitor.sees_people:
            raise
        raise ConnectorError(_STILL_STANDS) from None
    return Redirect("/problems", f"Replayed: {said}." if visit.visitor.sees_people else "Replayed.")


def _one_at_fault(desk: Desk, visit: Visit, fault: str) -> Page:
    """Shows a problem with the reason why an act on it failed; the reason alone where the problem is gone."""
    try:
        page = one(desk, visit)
    except NothingLeftError:
        return Page("refused.html", {"reason": fault}, 409)
    return Page(page.template, {**page.context, "fault": fault}, 409, about_people=True)


def discard(desk: Desk, visit: Visit) -> Redirect:
    """Takes a problem from the list. Raises ConnectorError for held deletions, and for one that is solved already."""
    kept = remedy.of_id(desk.runtime, visit.path["id"])
    _refuse_held(kept.problem.kind)
    remedy.discard(desk.runtime, kept)
    return Redirect("/problems", "Discarded.")


def confirmation(desk: Desk, visit: Visit) -> Page:
    """Shows how many problems the address asks for, and asks whether to replay or discard all of them.

    The form that it shows is bound to the problems there are now: none that comes later is meant by it.
    """
    which = asked(desk, visit)
    act: ProblemAct = "discard" if visit.given("act") == "discard" else "replay"
    meant = problem_job.which(desk.reads.store, act, which)
    advice = problem_advice.advice(which.kind) if which.cause and which.kind else None
    shown: dict[str, object] = {
        "act": act,
        "count": meant.total,
        "held": meant.held,
        "others": meant.others,
        "advice": advice,
    }
    page = _page("problem_confirm.html", desk, visit, shown)
    period = {"since": repr(meant.which.since), "until": repr(meant.which.until)}
    fixed = {**page.context["given"], "lately": "", **period}
    return Page(page.template, {**page.context, "fixed": fixed}, about_people=True)


def replay_all(desk: Desk, visit: Visit) -> Redirect:
    """Starts a job that replays all problems that the form asks for, so many a second.

    Raises NothingLeftError where there are none any more, and ConnectorError for a pace out of bounds.
    """
    return _start(desk, visit, "replay")


def discard_all(desk: Desk, visit: Visit) -> Redirect:
    """Starts a job that discards all problems that the form asks for. Raises what `replay_all` raises."""
    return _start(desk, visit, "discard")


def _start(desk: Desk, visit: Visit, act: ProblemAct) -> Redirect:
    pace = number_of(visit.given("per_second") or "100", "problems a second")
    if not _SLOWEST <= pace <= _FASTEST:
        raise ConnectorError(f"so many a second are not accepted: give {_SLOWEST:g} to {_FASTEST:,.0f}")
    which = asked(desk, visit)
    if not problem_job.which(desk.runtime.store, act, which).total:
        raise NothingLeftError("nothing was left to do: there are no such problems any more")
    job = problem_job.start(desk.runtime, act, which, pace, visit.visitor.name)
    return Redirect(f"/jobs/{job.id}", f"Started: {many(job.total, 'problem', 'problems')}.", job=job.id)


def _refuse_held(kind: str) -> None:
    if kind == "held":
        raise ConnectorError("held deletions are let go or dropped on the page Held deletions: there it says whose")


def _page(template: str, desk: Desk, visit: Visit, context: dict[str, object]) -> Page:
    given = {name: visit.given(name) for name in _FIELDS}
    shared = {
        "given": given,
        "link": lambda path, **more: _link(path, given | more),
        "kinds": _KINDS,
        "syncs": offered(sorted(rules.name for rules in desk.runtime.syncs), given["sync"]),
        "periods": LATELY,
        "advice_of": problem_advice.advice,
        "may_see": lambda kind: visit.visitor.sees_people or not problem_advice.is_personal(kind),
    }
    return Page(template, shared | context, about_people=True)


def _link(path: str, query: dict[str, str]) -> str:
    said = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{said}" if said else path


def asked(desk: Desk, visit: Visit) -> ProblemFilter:
    """Returns the filter of problems that an address or a form asks for.

    Raises ConnectorError for an unknown kind, and for a time that is no number of seconds.
    """
    kind, lately = visit.given("kind"), visit.given("lately")
    if kind and kind not in _KINDS:
        raise ConnectorError(f"there is no kind {kind!r} of problems: there are {', '.join(_KINDS)}")
    since = seconds(visit.given("since") or "0")
    if lately:
        with desk.reads.store.reading() as tx:
            now = desk.reads.store.now(tx)
        # In steps, so that others who look at about the same time share what was read.
        since = now // _STEP_SECONDS * _STEP_SECONDS - seconds(lately)
    until = visit.given("until")
    subject, sync, cause = (visit.given(name) for name in ("subject", "sync", "cause"))
    return ProblemFilter(kind, sync, subject, cause, since, seconds(until) if until else None)


def _which(visit: Visit) -> str:
    said = {name: visit.given(name) for name in ("kind", "sync", "cause", "lately") if visit.given(name)}
    user = ["one user"] if visit.given("subject") else []
    return ", ".join([*(f"{name} {value}" for name, value in said.items()), *user]) or "all"


def _subject(visit: Visit) -> str:
    return visit.path["id"]


ROUTES = (
    Route("/problems", groups),
    Route("/problems/list", listing),
    Route("/problems/confirm", confirmation, "operator"),
    Route("/problems/all/replay", replay_all, "operator", "POST", "problems replay --all", _which),
    Route("/problems/all/discard", discard_all, "operator", "POST", "problems discard --all", _which),
    Route("/problems/{id}", one),
    Route("/problems/{id}/replay", replay, "operator", "POST", "problems replay", _subject, at_fault=_one_at_fault),
    Route("/problems/{id}/discard", discard, "operator", "POST", "problems discard", _subject, at_fault=_one_at_fault),
)
