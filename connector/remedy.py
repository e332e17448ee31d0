"""Remedies for problems: replayed once their cause is mended, or discarded."""

from connector import inbox
from connector.runtime import AtHand
from connector.store.by_prefix import the_only
from connector.errors import ConnectorError
from connector.store import entities, events, guard, problems
from connector.store.problems import Kept


def find(at_hand: AtHand, id: str) -> Kept:
    """The problem whose id begins with `id`. Raises ConnectorError where there is none, or more than one."""
    with at_hand.store.reading() as connection:
        found = problems.kept(connection, id=id, limit=2)
    return the_only(found, "problem", id)


def approve(at_hand: AtHand, sync: str) -> int:
    """Lets the held deletions of a sync go; how many."""
    with at_hand.store.writing() as connection:
        return guard.release(connection, sync, at_hand.store.now(connection), delete_them=True)


def drop(at_hand: AtHand, sync: str) -> int:
    """Drops the held deletions of a sync; how many. These people stay until upstream speaks of them again."""
    with at_hand.store.writing() as connection:
        return guard.release(connection, sync, at_hand.store.now(connection), delete_them=False)


def discard(at_hand: AtHand, kept: Kept) -> None:
    """Takes the problem from the list. Held deletions are dropped with it; else nothing changes."""
    if kept.problem.kind == "held":
        drop(at_hand, kept.sync)
        return
    with at_hand.store.writing() as connection:
        problems.remove(connection, kept.id)


def replay(at_hand: AtHand, kept: Kept, format: str) -> str:
    """Tries again what the problem stopped, and takes it from the list; what was done, in words.

    An unreadable message is read again as `format`; what Customer.io refused is due again; held deletions are let go.
    Raises ConnectorError for a problem that only a resync or a new message of its user can solve, and for a message
    that still cannot be read.
    """
    match kept.problem.kind:
        case "unreadable":
            return _read_again(at_hand, kept, format)
        case "refused":
            return _send_again(at_hand, kept)
        case "held":
            return f"{approve(at_hand, kept.sync)} deletion(s) let go"
        case "segment":
            raise ConnectorError(f"a manual segment is tried again, and filled, by `connector resync {kept.sync}`")
        case "source":
            raise ConnectorError(f"mend its cause: `connector sources run {kept.problem.subject}` then tries again")
        case "backfill":
            raise ConnectorError(f"mend its cause: `connector jobs resume {kept.problem.subject}` then goes on")
        case kind:
            reason = "is solved by the user's next message: mend its cause and discard it"
            raise ConnectorError(f"a problem of the kind {kind!r} {reason}")


def _read_again(at_hand: AtHand, kept: Kept, format: str) -> str:
    limit = at_hand.settings.intake.max_message_bytes
    accepted = inbox.take(at_hand.store, at_hand.syncs, format, [kept.problem.payload], limit)
    if accepted.unreadable:
        raise ConnectorError(f"the message still cannot be read as {format}: {kept.problem.reason}")
    discard(at_hand, kept)
    return f"{accepted.changes} message(s) taken in"


def _send_again(at_hand: AtHand, kept: Kept) -> str:
    with at_hand.store.writing() as connection:
        count = events.owe_again(connection, kept.sync, kept.problem.subject)
        for kind in (entities.OBJECT, entities.PERSON):
            entities.make_due(connection, kept.sync, [kept.problem.subject], at_hand.store.now(connection), kind)
        problems.remove(connection, kept.id)
    return f"{kept.problem.subject} is due again" + (f", with {count} event(s)" if count else "")
