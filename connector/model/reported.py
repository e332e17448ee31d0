"""The reports of Customer.io about a person that may bear on what is sent to them: unsubscribed, bounced and so on.

Each report has its time, so that the end is the same in whatever order they come.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple, get_args

ReportedMark = Literal["unsubscribed", "suppressed", "bounced", "spammed"]
MARKS: tuple[ReportedMark, ...] = get_args(ReportedMark)
RESUBSCRIBED = "subscribed"
"""The mark that undoes all marks from before it."""

REASONS: Mapping[str, str] = {
    "unsubscribed": "they unsubscribed in Customer.io",
    "suppressed": "Customer.io sends them nothing: they are suppressed there",
    "bounced": "their e-mail address bounced",
    "spammed": "they marked an e-mail as spam",
}
"""The marks in words."""
_OF_THE_ADDRESS = ("bounced", "spammed")
_MARKS: Mapping[tuple[str, str], str] = {
    ("customer", "unsubscribed"): "unsubscribed",
    ("email", "unsubscribed"): "unsubscribed",
    ("customer", "subscribed"): RESUBSCRIBED,
    ("email", "subscribed"): RESUBSCRIBED,
    ("email", "dropped"): "suppressed",
    ("email", "bounced"): "bounced",
    ("email", "spammed"): "spammed",
}


class ReportedWord(NamedTuple):
    """A report about one identifier of a person.

    key: the identifier, as `id:1001`; owner: the strongest identifier that was named with it; mark: a mark, or
    RESUBSCRIBED; at: unix seconds; event_id: the webhook's; address: the e-mail address that it speaks of, or "".
    """

    key: str
    owner: str
    mark: str
    at: int
    event_id: str
    address: str


def mark_of(object_type: str, metric: str) -> str:
    """Returns the mark that a webhook of this type and metric makes, or takes back; "" for none."""
    return _MARKS.get((object_type, metric), "")


def reported_by(marks: Collection[str]) -> set[tuple[str, str]]:
    """Returns the types and metrics of the webhooks that make one of these marks, or take it back."""
    return {kind for kind, mark in _MARKS.items() if mark in marks or (marks and mark == RESUBSCRIBED)}


def standing(words: Iterable[ReportedWord], names: Collection[str], address: str = "") -> dict[str, int]:
    """Returns the marks that a person has now, each with its time in unix seconds, the latest first.

    Args:
        words: What was said under any of their identifiers.
        names: Their identifiers, as `id:1001`. A word about another person who had their address is left out.
        address: Their e-mail address now, in lower case; "" where it is not known. What an earlier one did is past.
    """
    latest: dict[str, ReportedWord] = {}
    for word in sorted(words, key=_when):
        if _is_theirs(word, names) and not _is_past(word, address):
            latest[word.mark] = word
    undone = latest.pop(RESUBSCRIBED, None)
    standing = [each for each in latest.values() if undone is None or _when(each) > _when(undone)]
    return {each.mark: each.at for each in sorted(standing, key=_when, reverse=True)}


def _when(word: ReportedWord) -> tuple[int, str]:
    return word.at, word.event_id


def _is_theirs(word: ReportedWord, names: Collection[str]) -> bool:
    """Says whether a report is about this person: of two who had one address, it is about the one whom it names."""
    kind = word.owner.partition(":")[0]
    return word.owner in names or not any(each.startswith(f"{kind}:") for each in names)


def _is_past(word: ReportedWord, address: str) -> bool:
    return word.mark in _OF_THE_ADDRESS and bool(word.address and address) and word.address != address
