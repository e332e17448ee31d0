"""Finds a person by any of their names, and shows all that is known of them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from connector.admin.person import search
from connector.admin.person.answer import answers, last_confirmed
from connector.admin.person.as_json import as_json
from connector.admin.person.combined_timeline import happened
from connector.admin.person.comparison import compared
from connector.admin.person.gather import Depth, KnownPerson, PersonInSync, held_now, of_key
from connector.admin.person.late_drops import late_drops
from connector.console.page import Desk, Page, Visit
from connector.console.pages.calls import VERDICTS
from connector.console.pages.people.person_key import key_of

_ENTRIES, _MOST_ENTRIES = 50, 1000


def find(desk: Desk, visit: Visit) -> Page:
    """Shows the person that the name in the address finds, the search with all that it finds if not exactly one.

    With `everybody` in the address, names that no index holds are searched too, for about a second at a time; a visitor
    has to see personal values for that. Raises ConnectorError where the name is too long, or there is no such sync.
    """
    if not visit.given("q"):
        return _search(desk, visit)
    if "everybody" in visit.query and visit.visitor.sees_people:
        return _among_everybody(desk, visit)
    found = search.by_index(desk.reads, visit.given("q"), visit.given("sync"))
    if len(found) == 1:
        return _person(desk, visit, _gathered(desk, visit, found[0].key))
    return _search(desk, visit, found=found)


def search_at_fault(desk: Desk, visit: Visit, fault: str) -> Page:
    """Shows the search with the reason why it failed."""
    return _search(desk, visit, fault=fault)


def _among_everybody(desk: Desk, visit: Visit) -> Page:
    seen = visit.given("seen")
    before = int(seen) if seen.isdecimal() and len(seen) < 15 else 0
    looked = search.among_everybody(desk.reads, visit.given("q"), visit.given("sync"), visit.query.get("after", ""))
    return _search(desk, visit, found=looked.found, looked=looked, people=before + looked.people)


def _search(desk: Desk, visit: Visit, **found: Any) -> Page:
    rules = desk.runtime.syncs
    asked = {"q": visit.given("q"), "sync": visit.given("sync"), "syncs": [each.name for each in rules]}
    keeps = {"keeps_visitors": any(each.anonymous_events for each in rules)}
    nothing = {"found": (), "looked": None, "people": 0, "fault": ""}
    return Page("people.html", {**nothing, **asked, **keeps, **found}, about_people=True)


def person(desk: Desk, visit: Visit) -> Page:
    """Shows what the store has of the person whose key stands in the path."""
    return _person(desk, visit, _gathered(desk, visit, visit.path["key"]))


def ask(desk: Desk, visit: Visit) -> Page:
    """Asks Customer.io what it holds of a person now, once for each sync, and shows that on the person's page."""
    found = _gathered(desk, visit, key_of(visit))
    asked = [replace(each, held=held_now(desk.runtime, each)) for each in found.syncs]
    return _person(desk, visit, replace(found, syncs=asked))


def _gathered(desk: Desk, visit: Visit, key: str) -> KnownPerson:
    return of_key(desk.reads, key, visit.given("sync"), Depth(_entries(visit), indexed=True))


def _entries(visit: Visit) -> int:
    given = visit.given("entries")
    return max(1, min(int(given), _MOST_ENTRIES)) if given.isdecimal() and len(given) < 6 else _ENTRIES


def _person(desk: Desk, visit: Visit, found: KnownPerson) -> Page:
    shown = as_json(found)
    entries, drops = _entries(visit), late_drops(found.problems)
    context = {
        "person": shown,
        "answers": answers(found),
        "compared": {each["sync"]: compared(each, drops) for each in shown["syncs"]},
        "confirmed_at": {each.row.sync: last_confirmed(each) for each in found.syncs},
        "happened": happened(desk.reads.store, found),
        "entries": entries,
        "more": min(entries * 4, _MOST_ENTRIES) if _has_more(found.syncs, entries) else 0,
        "asked": any(each.held is not None for each in found.syncs),
        "sync": visit.given("sync"),
        "verdicts": VERDICTS,
    }
    return Page("person.html", context, about_people=True)


def _has_more(syncs: Iterable[PersonInSync], entries: int) -> bool:
    return entries < _MOST_ENTRIES and any(len(each.history) >= entries for each in syncs)
