"""Remedies for problems: they are replayed once their cause is mended, or discarded."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from connector.activity import fields
from connector.activity.out import outbox
from connector.admin import approvals
from connector.errors import ConnectorError, NothingLeftError
from connector.intake import bodies
from connector.model.problem import ProblemKind
from connector.runtime import Runtime
from connector.store import deletion_guard, entities, events, outgoing, problems
from connector.store.by_prefix import the_only
from connector.store.problems import Kept

_BY_ITSELF = "it goes by itself once its cause is mended"
_MENDED_BY: Mapping[ProblemKind, str] = {
    "segment": "a manual segment is tried again, and filled, by `connector resync {sync}`",
    "source": "mend its cause: `connector sources run {subject}` then tries again",
    "export": "mend its cause: `connector export {subject}` then tries again",
    "connection": "mend its cause: `connector resume {subject}` then tries again at once",
    "backfill": "mend its cause: `connector jobs resume {subject}` then goes on",
    "webhook": "Customer.io has its answer and does not send it again: read it, and discard it",
    "out": "what waits goes on by itself once the target takes it",
    **dict.fromkeys(("queue", "activities", "signature"), _BY_ITSELF),
}
"""Why problems of these kinds are not replayed, and what to do instead."""
_GONE = (
    "nothing was left to do: this problem is not there any more. Somebody has replayed or discarded it, or it has "
    "solved itself"
)


def find(runtime: Runtime, id: str) -> Kept:
    """Returns the problem whose id begins with `id`. Raises ConnectorError where there is none, or more than one."""
    with runtime.store.reading() as tx:
        found = problems.kept(tx, id=id, limit=2)
    return the_only(found, "problem", id)


def of_id(runtime: Runtime, id: str) -> Kept:
    """Returns the problem that a page has shown. Raises NothingLeftError if it is there no more."""
    with runtime.store.reading() as tx:
        found = problems.kept(tx, id=id, limit=2)
    if not found:
        raise NothingLeftError(_GONE)
    return the_only(found, "problem", id)


def approve(runtime: Runtime, sync: str) -> int:
    """Releases a sync's held deletions, so that they are sent, and returns how many these are.

    Raises ConnectorError where two people have to approve.
    """
    approvals.refuse_alone(runtime)
    with runtime.store.writing() as tx:
        return deletion_guard.release(tx, sync, runtime.store.now(tx), delete_them=True)


def held(runtime: Runtime, sync: str) -> int:
    """Returns how many deletions of a sync are held."""
    with runtime.store.reading() as tx:
        return deletion_guard.held(tx, sync)


def drop(runtime: Runtime, sync: str) -> int:
    """Drops a sync's held deletions, and returns how many. These people stay until the next message about them."""
    with runtime.store.writing() as tx:
        return deletion_guard.release(tx, sync, runtime.store.now(tx), delete_them=False)


def discard(runtime: Runtime, kept: Kept) -> None:
    """Deletes the problem. For held deletions these are dropped; else nothing changes but the list.

    Raises NothingLeftError where the problem, or the held deletions, are there no more.
    """
    if kept.problem.kind == "held":
        if not drop(runtime, kept.sync):
            raise NothingLeftError(_GONE)
        return
    with runtime.store.writing() as tx:
        _take(tx, kept)


def _take(tx: Connection, kept: Kept) -> None:
    """Deletes the problem in the transaction that solves it. If it is gone, NothingLeftError undoes the transaction."""
    if not problems.remove(tx, kept.id):
        raise NothingLeftError(_GONE)


def replay(runtime: Runtime, kept: Kept, format: str = "") -> str:
    """Tries again what the problem stopped, deletes the problem, and returns in words what was done.

    A message that could not be taken in is read again as `format`, "" for the form that it was read as. What
    Customer.io refused or dropped is due again, and a message that a target refused is sent on again. Held deletions
    are let go.

    Raises ConnectorError for a problem of another kind, for a message that still cannot be read or was not kept, for a
    target that the settings name no more, and for held deletions where two people have to approve. Raises
    NothingLeftError where the problem, or the held deletions, are there no more.
    """
    match kept.problem.kind:
        case "unreadable" | "poison":
            return _read_again(runtime, kept, format)
        case "refused" | "failing" | "failed later":
            return _send_again(runtime, kept)
        case "out refused":
            return _send_on_again(runtime, kept)
        case "held":
            return _let_go(runtime, kept)
        case kind if kind in _MENDED_BY:
            raise ConnectorError(_MENDED_BY[kind].format(sync=kept.sync, subject=kept.problem.subject))
        case kind:
            reason = "is solved by the user's next message: mend its cause and discard it"
            raise ConnectorError(f"a problem of the kind {kind!r} {reason}")


def _let_go(runtime: Runtime, kept: Kept) -> str:
    count = approve(runtime, kept.sync)
    if not count:
        raise NothingLeftError(_GONE)
    return f"{count} deletion(s) let go"


def _read_again(runtime: Runtime, kept: Kept, format: str) -> str:
    if kept.problem.payload is None:
        raise ConnectorError("what could not be read is not kept with this problem: mend its cause, and send it again")
    intake = runtime.settings.intake
    form, limit = format or kept.problem.form or intake.format, intake.max_message_bytes
    accepted = bodies.take(runtime.store, runtime.syncs, form, [kept.problem.payload], limit)
    if accepted.unreadable:
        reason = accepted.unread[0][1] if accepted.unread else kept.problem.reason
        raise ConnectorError(f"the message still cannot be read as {form}: {reason}")
    discard(runtime, kept)
    return f"{accepted.changes} message(s) taken in"


def _send_again(runtime: Runtime, kept: Kept) -> str:
    with runtime.store.writing() as tx:
        count = events.owe_again(tx, kept.sync, kept.problem.subject)
        for kind in (entities.OBJECT, entities.PERSON):
            entities.make_due(tx, kept.sync, [kept.problem.subject], runtime.store.now(tx), kind)
        _take(tx, kept)
    return f"{kept.problem.subject} is due again" + (f", with {count} event(s)" if count else "")


def _send_on_again(runtime: Runtime, kept: Kept) -> str:
    target = kept.problem.subject
    if target not in runtime.settings.out:
        raise ConnectorError(f"the settings name no [out.{target}] any more: add it again, or discard the problem")
    shown = fields.of(runtime.settings.profiles)
    with runtime.store.writing() as tx:
        message = outbox.renewed(tx, runtime.settings.out[target], kept.problem.payload, shown)
        outgoing.add(tx, [message], runtime.store.now(tx))
        _take(tx, kept)
    return f"it goes on to {target} again, behind what waits there"


def remedies(runtime: Runtime, format: str = "") -> dict[str, Callable[[Kept], object]]:
    """Returns a function for each thing that can be done with a problem, by its command. format: as for `replay`."""
    return {
        "replay": lambda kept: replay(runtime, kept, format),
        "discard": lambda kept: discard(runtime, kept),
    }
