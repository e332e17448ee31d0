"""/held: the deletions that the guard holds, which are let go or dropped, some or all, by one person or by two."""

from collections.abc import Iterator
from urllib.parse import quote, unquote

from connector.admin import approvals, held
from connector.admin.operator_acts import digest
from connector.console.csv_table import csv_table
from connector.console.page import Desk, Download, Page, Redirect, Route, Visit
from connector.console.rendering import many, masked, utc
from connector.errors import ConnectorError
from connector.model.approval import HeldName
from connector.model.entity import EntityKind

SHOWN = 100
DOWNLOADED = 50_000
_AT_ONCE = 1000
_COUNT_DIGITS = 12
_NAMED = 15
"""If no more than so many are chosen, the log of operators keeps their digests; more would not fit in its column."""
_KINDS: tuple[EntityKind, ...] = ("person", "object")


def overview(desk: Desk, _: Visit) -> Page:
    """Shows how many deletions are held in each sync, and the last 50 requests for the approval of a second person."""
    requests, now = approvals.latest(desk.reads)
    syncs = held.overview(desk.reads)
    two = approvals.needs_two(desk.runtime)
    return Page("held.html", {"syncs": syncs, "requests": requests, "now": now, "two": two})


def of_sync(desk: Desk, visit: Visit) -> Page:
    """Shows whose deletions a sync holds and why, 100 at a time in the order of their keys."""
    sync = visit.path["sync"]
    after = _name(visit.given("after")) if visit.given("after") else None
    people = held.people(desk.reads, sync, after, SHOWN + 1)
    context = {
        "standing": held.of_sync(desk.reads, sync),
        "people": people[:SHOWN],
        "next": _text(people[SHOWN - 1].kind, people[SHOWN - 1].key) if len(people) > SHOWN else "",
        "named": _text,
        "two": approvals.needs_two(desk.runtime),
        "downloaded": DOWNLOADED,
    }
    return Page("held_sync.html", context, about_people=True)


def confirmation(desk: Desk, visit: Visit) -> Page:
    """Shows how many of the chosen deletions are held still, and asks whether to let them go or to drop them.

    Raises ConnectorError where none is chosen, or none of those is held any more.
    """
    sync, names = visit.path["sync"], _chosen(visit)
    what = "drop" if visit.given("what") == "drop" else "approve"
    context = {
        "sync": sync,
        "what": what,
        "who": visit.all_given("who"),
        "all": names is None,
        "count": held.chosen(desk.runtime, sync, names),
        "asks": what == "approve" and approvals.needs_two(desk.runtime),
        "seconds": desk.settings.console.approval_seconds,
    }
    return Page("held_confirm.html", context, about_people=True)


def approve(desk: Desk, visit: Visit) -> Redirect:
    """Lets the chosen deletions go, or keeps a request for a second person where two have to approve.

    Raises ConnectorError where more are held by now than the form says, or where two have to approve and no sign-in is
    configured.
    """
    sync, names, seen = visit.path["sync"], _chosen(visit), _seen(visit)
    desk.runtime.rules(sync)
    if not approvals.needs_two(desk.runtime):
        count = held.settle(desk.runtime, sync, names, delete_them=True, at_most=seen)
        return Redirect(f"/held/{sync}", f"{many(count, f'deletion of {sync} is', f'deletions of {sync} are')} let go.")
    if not desk.settings.console.signs_in:
        raise ConnectorError(
            "two people have to approve ([console] two_person_approval), and nobody signs in here, so they cannot be "
            "told apart: configure a sign-in"
        )
    request = approvals.ask(desk.runtime, sync, names, visit.visitor.name, seen)
    until = utc(request.expires_at)
    return Redirect("/held", f"Asked for: somebody else has to confirm it until {until} UTC. Nothing is deleted yet.")


def drop(desk: Desk, visit: Visit) -> Redirect:
    """Drops the chosen deletions: these people stay until the next message about them.

    Raises ConnectorError where more are held by now than the form says.
    """
    sync = visit.path["sync"]
    desk.runtime.rules(sync)
    count = held.settle(desk.runtime, sync, _chosen(visit), delete_them=False, at_most=_seen(visit))
    dropped = many(count, f"deletion of {sync} is", f"deletions of {sync} are")
    return Redirect(f"/held/{sync}", f"{dropped} dropped: {'that one stays' if count == 1 else 'these people stay'}.")


def request(desk: Desk, visit: Visit) -> Page:
    """Shows a request for the approval of a second person. Raises ConnectorError where there is none."""
    found = approvals.find(desk.runtime, visit.path["id"])
    _, now = approvals.latest(desk.reads)
    return Page("held_request.html", {"request": found, "now": now, "shown": SHOWN}, about_people=True)


def confirm(desk: Desk, visit: Visit) -> Redirect:
    """Lets the deletions go that somebody else has requested.

    Raises ConnectorError where the visitor has requested it, or the request does not wait any more.
    """
    count = approvals.confirm(desk.runtime, visit.path["id"], visit.visitor.name)
    return Redirect("/held", f"Confirmed: {many(count, 'deletion is', 'deletions are')} let go.")


def withdraw(desk: Desk, visit: Visit) -> Redirect:
    """Ends a request; its deletions stay held. Raises ConnectorError where the request does not wait any more."""
    approvals.withdraw(desk.runtime, visit.path["id"], visit.visitor.name)
    return Redirect("/held", "Withdrawn: these deletions stay held.")


def download(desk: Desk, visit: Visit) -> Download:
    """Returns the first 50,000 held deletions of a sync as a CSV file, masked as the visitor's pages are."""
    sync, sees = visit.path["sync"], visit.visitor.sees_people
    head = ("kind", "key", "identifier", "standing", "why", "left", "last_news_utc")
    body = csv_table(head, (_row(each, sees) for each in _everybody(desk, sync)))
    return Download(f"held-{sync}.csv", "text/csv; charset=utf-8", body)


def _row(each: held.HeldEntry, sees: bool) -> Iterator[str]:
    yield each.kind
    yield from (masked(value, sees) for value in (each.key, each.identifier))
    yield from (each.standing, each.why if sees else "", "; ".join(each.left), utc(each.updated_at))


def _everybody(desk: Desk, sync: str) -> Iterator[held.HeldEntry]:
    after: HeldName | None = None
    for _ in range(DOWNLOADED // _AT_ONCE):
        people = held.people(desk.reads, sync, after, _AT_ONCE)
        yield from people
        if len(people) < _AT_ONCE:
            return
        after = (people[-1].kind, people[-1].key)


def _chosen(visit: Visit) -> list[HeldName] | None:
    """Returns kind and key of each chosen deletion; None for all. Raises ConnectorError where none is chosen."""
    if visit.given("all"):
        return None
    names = [_name(each) for each in visit.all_given("who")]
    if not names:
        raise ConnectorError("nobody is chosen: tick those that are meant, or take all")
    return names


def _seen(visit: Visit) -> int:
    if not (visit.given("count").isdecimal() and len(visit.given("count")) <= _COUNT_DIGITS):
        raise ConnectorError("this form does not say how many deletions it was made for: look at the page again")
    return int(visit.given("count"))


def _text(kind: EntityKind, key: str) -> str:
    return f"{kind}:{quote(key, safe='')}"


def _name(text: str) -> HeldName:
    of, _, key = text.partition(":")
    kind = next((each for each in _KINDS if each == of), None)
    if kind is None:
        raise ConnectorError("nobody is named so: look at the page again")
    return kind, unquote(key)


def _subject(visit: Visit) -> str:
    """Returns the chosen deletions for the log of operators: how many, and up to 15 by the digests of their keys."""
    names = [] if visit.given("all") else visit.all_given("who")
    who = f"{len(names):,} chosen" if names else "all"
    keys = [digest(unquote(each.partition(":")[2])) for each in names] if len(names) <= _NAMED else []
    return " ".join((f"{visit.path['sync']}: {who}", *keys))


def _request_subject(visit: Visit) -> str:
    return f"request {visit.path['id']}"


ROUTES = (
    Route("/held", overview),
    Route("/approvals/{id}", request),
    Route("/approvals/{id}/confirm", confirm, "approver", "POST", "approve confirm", _request_subject),
    Route("/approvals/{id}/withdraw", withdraw, "approver", "POST", "approve withdraw", _request_subject),
    Route("/held/{sync}", of_sync),
    Route("/held/{sync}/download", download, of_page=True),
    Route("/held/{sync}/choose", confirmation, "approver", "POST"),
    Route("/held/{sync}/approve", approve, "approver", "POST", "approve", _subject),
    Route("/held/{sync}/drop", drop, "approver", "POST", "approve --drop", _subject),
)
