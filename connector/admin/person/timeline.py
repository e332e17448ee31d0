"""The history of a person, as JSON and in words: what was said, decided, sent and answered, and in which request."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.admin.person import codes
from connector.model.history import What
from connector.store.history import HistoryEntry


def as_json(entries: Iterable[HistoryEntry]) -> list[dict[str, Any]]:
    """Returns what happened as JSON, in the order of the entries. Times are unix seconds."""
    return [_entry(each) for each in entries]


def _entry(entry: HistoryEntry) -> dict[str, Any]:
    said = {"at": entry.at, "what": codes.what(entry.what)}
    if entry.what == What.SAID:
        decided = {"decision": codes.decision(entry.came_to), "standing": codes.standing(entry.detail)}
        return said | {"messages": entry.how_many, "events": entry.events, **decided}
    if entry.what == What.SENT:
        part = {"first": entry.item, "items": entry.how_many, "did": codes.sorts(entry.detail)}
        return said | {"call": entry.call, **part, "answer": codes.answer(entry.came_to)}
    return said


def in_words(entry: Mapping[str, Any]) -> str:
    """Returns what happened, as `as_json` has it, as a sentence without its full stop."""
    match entry["what"]:
        case "said":
            return f"{_counted(entry['messages'], 'message')}{_events(entry['events'])}: {_decided(entry)}"
        case "sent":
            return f"{', '.join(entry['did'])}: {entry['answer']} (item {entry['first']} of call {entry['call']})"
        case "held":
            return "their deletion was held back by the deletion guard"
        case other:
            return str(other)


def without_call(entry: Mapping[str, Any]) -> str:
    """Returns what happened as `in_words` does, but without the request, which is shown beside it."""
    return f"{', '.join(entry['did'])}: {entry['answer']}" if entry["what"] == "sent" else in_words(entry)


def _decided(entry: Mapping[str, Any]) -> str:
    standing = f", {entry['standing']}" if entry["standing"] is not None else ""
    return f"{entry['decision']}{standing}"


def _events(count: int) -> str:
    return f" with {_counted(count, 'new event')}" if count else ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
