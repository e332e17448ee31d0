"""The timeline of a person over all syncs: messages, decisions, requests, answers, reports and operators' acts."""

from collections.abc import Iterator
from typing import NamedTuple

from connector.admin import operator_acts
from connector.admin.person import timeline
from connector.admin.person.gather import KnownPerson
from connector.store.engine import Store

_ACTS_LOOKED_AT = 500
_ANSWERED = {"taken": "good", "refused": "bad"}


class HappenedThing(NamedTuple):
    """One entry of the timeline. at: unix seconds; what: the kind, in a word; call: the request, "" for none.

    tone: good, bad or "".
    """

    at: float
    sync: str
    what: str
    text: str
    call: str = ""
    tone: str = ""


def happened(store: Store, person: KnownPerson) -> list[HappenedThing]:
    """Returns what happened, the latest first.

    Operators' acts are found by the digests of the person's names, among the latest acts in the log of operators.
    """
    found = [*_history(person), *_reported(person), *_by_hand(store, person)]
    return sorted(found, key=lambda each: each.at, reverse=True)


def _history(person: KnownPerson) -> Iterator[HappenedThing]:
    for each in person.syncs:
        for entry in timeline.as_json(each.history):
            call = entry.get("call") or ""
            tone = _ANSWERED.get(str(entry.get("answer")), "")
            yield HappenedThing(entry["at"], each.row.sync, entry["what"], timeline.without_call(entry), call, tone)


def _reported(person: KnownPerson) -> Iterator[HappenedThing]:
    for each in person.syncs:
        for mark in each.reported:
            yield HappenedThing(float(mark.at), each.row.sync, "reported", mark.reason, tone="bad")


def _by_hand(store: Store, person: KnownPerson) -> Iterator[HappenedThing]:
    names = {person.key, *(name.value for each in person.syncs for name in each.identifiers)}
    digests = {operator_acts.digest(each) for each in names}
    for act in operator_acts.latest(store, 0.0, "", _ACTS_LOOKED_AT):
        if not digests.isdisjoint(act.subject.split()):
            yield HappenedThing(act.at, "", "by hand", f"{act.act} by {act.operator}: {act.outcome or 'not ended'}")
