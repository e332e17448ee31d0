"""The words for the codes of a person's history. A code of a later version is shown as its number."""

from collections.abc import Mapping

from connector.audience.audience_status import NUMBERS
from connector.model.history import Answer, CameTo, Sort, What

_WHAT: Mapping[int, str] = {What.SAID: "said", What.SENT: "sent", What.HELD: "held"}
_DECISIONS: Mapping[int, str] = {
    CameTo.DUE: "due",
    CameTo.NOTHING_NEW: "nothing new",
    CameTo.NOTHING_TO_SEND: "nothing to send",
    CameTo.WAITS: "waits for an identifier that another user holds",
}
_ANSWERS: Mapping[int, str] = {
    Answer.TAKEN: "taken",
    Answer.REFUSED: "refused",
    Answer.SPLIT: "refused whole, sent again in halves",
    Answer.UNKNOWN: "not known, tried again",
}
_DONE = tuple(each for each in Sort if each is not Sort.ENTERED)
_STANDINGS = {number: str(status) for status, number in NUMBERS.items()}


def what(number: int) -> str:
    """Returns the word for the code of what happened."""
    return _word(_WHAT, number) or ""


def decision(number: int | None) -> str | None:
    """Returns the words for the code of what a message came to; None for no code."""
    return _word(_DECISIONS, number)


def answer(number: int | None) -> str | None:
    """Returns the words for the code of what Customer.io answered; None for no code."""
    return _word(_ANSWERS, number)


def standing(number: int | None) -> str | None:
    """Returns the words for the code of where somebody stood; None for no code."""
    return None if number is None else _STANDINGS.get(number, f"code {number}")


def sorts(number: int | None) -> list[str]:
    """Returns a word for each thing that somebody's items of a request did. number: the sum of the codes."""
    return [str(each.name).lower() for each in _DONE if number is not None and each & number]


def _word(words: Mapping[int, str], number: int | None) -> str | None:
    return None if number is None else words.get(number, f"code {number}")
