"""The short answer about a person, in plain words: whether Customer.io holds them as it should, and if not, why."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from operator import itemgetter
from typing import Literal, NamedTuple

from connector.admin.person.gather import KnownPerson, PersonInSync
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.model.history import Answer, What
from connector.model.problem import EVERY_SYNC, ProblemKind
from connector.planning.plan import is_owed
from connector.store.problems import Kept
from connector.store.tables import HELD

Tone = Literal["good", "bad", "warn", ""]
_LEFT_OUT: frozenset[ProblemKind] = frozenset({"attribute", "event", "action"})
"""The kinds of problems where a part is left out: the person and the rest of what was said were still sent."""
_MORE = 3
_LEFT = {
    AudienceStatus.KEPT: "They have left the audience, and are kept in Customer.io as they were last sent.",
    AudienceStatus.CLEARED: "They have left the audience, and their attributes are cleared in Customer.io.",
    AudienceStatus.DELETED: "They have left the audience, and are deleted in Customer.io.",
    AudienceStatus.SUPPRESSED: "They are suppressed: Customer.io holds nothing of them, and takes nothing.",
    AudienceStatus.MERGED: "They turned out to be another user, and were merged into that one.",
    AudienceStatus.NO_IDENTIFIER: "They are in the audience, and there is no identifier to send them by.",
    AudienceStatus.NO_EMAIL: "They are in the audience, and are not sent, since there is no e-mail address.",
}


class AnswerSentence(NamedTuple):
    """One sentence. text: what may be shown to everybody; detail: what may be personal, "" for nothing more."""

    tone: Tone
    text: str
    detail: str = ""


class SyncAnswer(NamedTuple):
    """The answer for one sync: its first sentence says where the person stands."""

    sync: str
    sentences: tuple[AnswerSentence, ...]


def answers(person: KnownPerson) -> list[SyncAnswer]:
    """Returns the answer for each sync that has a row of the person."""
    return [SyncAnswer(each.row.sync, tuple(_sentences(each, person))) for each in person.syncs]


def _sentences(here: PersonInSync, person: KnownPerson) -> Iterator[AnswerSentence]:
    told = [each for each in person.problems if each.sync in (here.row.sync, EVERY_SYNC)]
    yield _but_not_whole(_standing(here), {each.problem.kind for each in told})
    for each in _of_each_kind_first(told)[:_MORE]:
        yield AnswerSentence("bad", f"There is a problem ({each.problem.kind}).", _sentence(each.problem.reason))
    for mark in here.reported:
        yield AnswerSentence("warn", _sentence(mark.reason))
    owed = here.event_counts.get("pending", 0)
    if owed:
        events = "1 event of theirs waits" if owed == 1 else f"{owed:,} events of theirs wait"
        yield AnswerSentence("warn", f"{events} to be sent.")


def _of_each_kind_first(told: Iterable[Kept]) -> list[Kept]:
    """Orders problems, which come the latest first: the first of each kind, then the second of each kind, and so on.

    So many problems of one kind hide none of another.
    """
    places: list[tuple[int, Kept]] = []
    before: Counter[ProblemKind] = Counter()
    for each in told:
        places.append((before[each.problem.kind], each))
        before[each.problem.kind] += 1
    return [each for _, each in sorted(places, key=itemgetter(0))]


def _but_not_whole(standing: AnswerSentence, kinds: Collection[ProblemKind]) -> AnswerSentence:
    """Returns a sentence that is not good in place of a good one where there are problems.

    What was confirmed may have been dropped later, and a part may have been left out.
    """
    if standing.tone != "good" or not kinds:
        return standing
    tone: Tone = "warn" if _LEFT_OUT.issuperset(kinds) else "bad"
    return AnswerSentence(tone, "They are in Customer.io, but not with all that was said of them.", standing.detail)


def _standing(here: PersonInSync) -> AnswerSentence:
    rules, wanted, row = here.rules, here.wanted, here.row
    if rules is None:
        return AnswerSentence("bad", "The settings have no such sync any more: nothing is sent for it.")
    if wanted is None:
        return AnswerSentence("bad", "Their row cannot be read, so nothing is sent.", row.entity.unreadable)
    if row.lane == HELD or row.waits_for is not None:
        return _stopped(here)
    if row.due_at is not None or row.entity.doubt:
        return _on_the_way(here, wanted)
    if is_owed(row.entity, wanted, rules):
        return _owed_and_not_due(here, wanted)
    return _settled(here, wanted.standing)


def _stopped(here: PersonInSync) -> AnswerSentence:
    if here.row.lane == HELD:
        return AnswerSentence("bad", "The deletion guard holds their deletion, until somebody lets it go.", _why(here))
    return AnswerSentence("bad", "They are not sent: another user holds their identifier.", _waits(here))


def _on_the_way(here: PersonInSync, wanted: Desired) -> AnswerSentence:
    there = here.row.entity.delivered is not None
    if wanted.person is None:
        text = "They are to be taken out of Customer.io, and that is not done yet."
    elif there:
        text = "They are in Customer.io, and their latest changes are not confirmed yet."
    else:
        text = "They should be in Customer.io, and are not there yet."
    return AnswerSentence("warn", text, " ".join((_why(here), _waits(here))))


def _owed_and_not_due(here: PersonInSync, wanted: Desired) -> AnswerSentence:
    again = "Their next message, or a resync, brings it."
    if not _delivers(here.rules):
        return AnswerSentence("bad", "This sync does not deliver, so nothing is sent.", _why(here))
    if here.row.entity.delivered is None and wanted.person is not None:
        return AnswerSentence("bad", f"They should be in Customer.io, and are not there. {again}", _why(here))
    if wanted.person is None:
        left = "They are not to be in Customer.io, and are there still"
        why = "their deletion was dropped, or the settings have changed since"
        return AnswerSentence("warn", f"{left}: {why}. {again}", _why(here))
    return AnswerSentence("warn", f"They are not as the settings of today say. {again}", _why(here))


def _settled(here: PersonInSync, standing: AudienceStatus) -> AnswerSentence:
    if standing is AudienceStatus.IN:
        since = "Customer.io has confirmed it. If they miss a message, the reason is in Customer.io, not here."
        return AnswerSentence("good", f"They are in Customer.io as they should be: {since}", _why(here))
    if standing is AudienceStatus.OUTSIDE:
        return AnswerSentence(
            "warn", "They are not in the audience of this sync, so nothing of them is sent.", _why(here)
        )
    tone: Tone = "bad" if standing.unaddressed else "warn"
    return AnswerSentence(tone, _LEFT[standing], _why(here))


def last_confirmed(here: PersonInSync) -> float | None:
    """Returns when a request last went out that Customer.io took, in unix seconds; None where the history has none.

    The history is read the latest entry first.
    """
    taken = (each.at for each in here.history if each.what == What.SENT and each.came_to == Answer.TAKEN)
    return next(taken, None)


def _delivers(rules: Rules | None) -> bool:
    return rules is not None and rules.deliver


def _why(here: PersonInSync) -> str:
    return _sentence(here.why) if here.why else ""


def _waits(here: PersonInSync) -> str:
    return " ".join(map(_sentence, here.waits))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
