"""The Segment spec, as analytics libraries and platforms send it: one call, a list of them, or batches of calls.

What a call says is read in `formats.segment.calls` (docs/segment.md).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from connector.errors import UnreadableError
from connector.formats import other_forms
from connector.formats.reading import attempt, attempt_all, shown
from connector.formats.segment import calls
from connector.formats.segment.calls import TYPES
from connector.formats.segment.user_ids import with_user_id
from connector.model.change import Message

_OF_THE_BATCH = ("context", calls.SENT)
_WRITE_KEY = "writeKey"
_ALIAS = "alias"
_BATCH = "batch"


def parse(body: object) -> list[Message]:
    """Returns the changes of one call, of a batch, or of a list of either."""
    if isinstance(body, dict):
        return _taken(body)
    if not isinstance(body, list):
        raise UnreadableError("the body is neither an object nor a list of objects")
    return attempt_all(_taken, body)


def typed(body: object, type: str) -> object:
    """Returns the body of a request to a path that names the type: a call, or each of a list, may leave its own out."""
    if isinstance(body, list):
        return body if type == _BATCH else [_typed(each, type) for each in body]
    return _typed(body, type)


def _typed(given: object, type: str) -> object:
    if isinstance(given, dict) and given.get("type") is None and not _is_batch(given):
        return {**given, "type": type}
    return given


def _taken(given: object) -> list[Message]:
    return attempt(_batch if _is_batch(given) else _call, _without_write_key(given))


def _without_write_key(given: object) -> object:
    """Takes out the key by which libraries authenticate, which they write into calls: a problem must not show it."""
    if isinstance(given, dict) and _WRITE_KEY in given:
        return {name: value for name, value in given.items() if name != _WRITE_KEY}
    return given


def _is_batch(given: object) -> bool:
    if not isinstance(given, dict):
        return False
    type = given.get("type")
    return type == _BATCH or (type is None and "batch" in given)


def _batch(batch: Mapping[str, Any]) -> list[Message]:
    """Returns the changes of the members; what is said around them stands for what a member does not say itself."""
    members = batch.get("batch")
    if not isinstance(members, list):
        raise UnreadableError("the batch of the message is not a list")
    shared = {name: batch[name] for name in _OF_THE_BATCH if name in batch}
    read = partial(_member, shared)
    return attempt_all(read, map(_without_write_key, members))


def _member(shared: Mapping[str, Any], member: object) -> list[Message]:
    return _call({**shared, **member} if isinstance(member, dict) else member)


def _call(call: object) -> list[Message]:
    if not isinstance(call, dict):
        raise UnreadableError("the message is not an object")
    type = call.get("type")
    call = with_user_id(call)
    if type == _ALIAS:
        return [*calls.alias(call)]
    if not isinstance(type, str) or type not in TYPES:
        raise UnreadableError(other_forms.reason_of(call, "segment") or _not_taken(type))
    return calls.read(type, call)


def _not_taken(type: object) -> str:
    accepted = f"accepted are {', '.join(TYPES)}, {_ALIAS}, and batch"
    given = "the message has no type" if type is None else f"no message is of type {shown(type)}"
    return f"{given}: {accepted}"
