"""Takes changes in: one transaction for a batch of them, all of it or nothing.

Once `accept` returns, the effect of the changes is in the store and upstream's messages may be acknowledged. Taking
the same batch in again changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from connector.audience import placeholders as placeholder
from connector.audience.address_ids import as_lead
from connector.audience.rules import Rules
from connector.intake import findings, set_aside, visitors
from connector.intake.set_aside import Mask
from connector.intake.traced import TracedBatch
from connector.intake.users import Observe, ToldObject, UserBatch
from connector.model.change import Change, Message, ObjectChange, Original, Unreadable
from connector.model.problem import EVERY_SYNC, Problem
from connector.planning.leasing import Leased, Leasing
from connector.store import problems, tallies, workspace_holders
from connector.store.engine import Store
from connector.store.tables import BACKFILL, LIVE

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The result of a batch: how many messages were read, how many not, and which syncs have something to deliver.

    A message that a sync could not take in, since its row of the user cannot be read, counts as not read too.
    leased: the people leased meanwhile, for the process that took the batch in to send for. skipped: how many of those
    read no sync acts upon. unread: of those not read, the place in their body, the reason and the problem's id.
    unkept: the places, among what was given, of what cannot be read and is not kept whole with its problem: it is too
    long, or one of too many. Whoever has it elsewhere keeps it there.
    """

    changes: int
    unreadable: int
    due: frozenset[str]
    leased: tuple[Leased, ...] = ()
    skipped: int = field(default=0, compare=False)
    unread: tuple[tuple[int | None, str, str], ...] = field(default=(), compare=False)
    unkept: tuple[int, ...] = field(default=(), compare=False)


def accept(
    store: Store,
    syncs: Sequence[Rules],
    messages: Iterable[Message],
    *,
    backfill: bool = False,
    observe: Observe | None = None,
    check: Callable[[Connection], None] | None = None,
    leasing: Leasing | None = None,
    mask: Mask = set_aside.unmasked,
    traced: TracedBatch | None = None,
) -> TakenIn:
    """Takes in a batch, all of it or nothing.

    Args:
        store: where it is kept.
        syncs: the syncs for which it is decided.
        messages: what upstream says, in its order.
        backfill: whether its people are delivered behind those who are live.
        observe: is told what each change did, before the transaction is committed; for a preview.
        check: is called at the end of the transaction; whatever it raises undoes the batch.
        leasing: for which syncs those who are free are leased at once, to be sent for by the caller.
        mask: takes out of a problem what it must not show, before it is kept.
        traced: the traces that the messages are in; None where none are recorded.

    Returns:
        The numbers of messages read and not read, the syncs that have something to deliver, and who is leased.

    Raises:
        StoreError: where it cannot be kept.
    """
    changes, told, unreadable = _sorted_out(messages, syncs[0].placeholders if syncs else frozenset())
    found = findings.find(changes, syncs)
    with store.writing() as tx:
        workspace_holders.one_at_a_time(tx, syncs)
        visitors.one_batch_at_a_time(tx, syncs, changes)
        now = store.now(tx)
        lane = BACKFILL if backfill else LIVE
        batches = [
            UserBatch(tx, store.on_sqlite, rules, found[rules.name], now, lane, observe, leasing, mask)
            for rules in syncs
        ]
        due = frozenset(each.rules.name for each in batches if each.take(told)) | _taken_up(tx, batches, now)
        kept = [*map(_problem, unreadable), *_left_out(changes)]
        ids = problems.add(tx, EVERY_SYNC, list(map(mask, kept)), now)
        counted = {batch.rules.name: batch.tally for batch in batches}
        read = len(changes) + len(told)
        counted[EVERY_SYNC] = Counter({tallies.MESSAGES: read + len(unreadable), "unreadable": len(unreadable)})
        for batch in batches:
            counted[tallies.way(batch.rules.name)] = Counter(due=len(batch.due))
            counted[tallies.funnel(batch.rules.name)] = batch.steps.of_all(read, len(unreadable))
            counted[tallies.segments(batch.rules.name)] = batch.steps.moves
        tallies.tally(tx, counted, now)
        if traced is not None:
            _keep_traces(traced, batches, read, len(unreadable), due)
        if check is not None:
            check(tx)
        leased = tuple(each for batch in batches if (each := batch.leased()))
    log.info("batch taken in", messages=read, unreadable=len(unreadable), due=sorted(due))
    skipped = sum(not any(as_lead(change, each.rules).key in each.acted for each in batches) for change in changes)
    unread = tuple((each.index, each.reason, id) for each, id in zip(unreadable, ids, strict=False))
    unreadable_too = sum(batch.set_aside for batch in batches)
    return TakenIn(read, len(unreadable) + unreadable_too, due, leased, skipped, unread, _only_counted(unreadable, ids))


def _keep_traces(
    traced: TracedBatch, batches: Iterable[UserBatch], read: int, unreadable: int, due: Iterable[str]
) -> None:
    for each in batches:
        each.keep_traces(traced)
    traced.note(read, unreadable, due)


def _taken_up(tx: Connection, batches: Iterable[UserBatch], now: float) -> set[str]:
    """Gives what a sync has let go to users of others who wait for it. Returns the syncs in which somebody is due."""
    released = {each.rules.workspace for each in batches if each.lets_go and each.rules.beside}
    waiting = [each.rules for each in batches if each.rules.workspace in released]
    return workspace_holders.take_up(tx, waiting, now) if waiting else set()


def _sorted_out(
    messages: Iterable[Message], placeholders: frozenset[str]
) -> tuple[list[Change], list[ToldObject], list[Unreadable]]:
    changes: list[Change] = []
    told: list[ToldObject] = []
    unreadable: list[Unreadable] = []
    refused: Original | None = None
    for given in messages:
        message = _named(given, placeholders)
        if isinstance(message, Change):
            changes.append(message)
        elif isinstance(message, Unreadable):
            original = given.original if isinstance(given, Change) else None
            if original is None or original is not refused:  # several changes of one message are one problem
                unreadable.append(message)
            refused = original
        else:
            told.append((len(changes), message))
    return changes, told, unreadable


def _named(message: Message, placeholders: frozenset[str]) -> Message:
    """Returns the message, if it names its user or object: a placeholder names nobody."""
    if isinstance(message, Unreadable):
        return message
    if (reason := placeholder.fault(message, placeholders)) is not None:
        return Unreadable(reason, set_aside.as_said(message), message.index, set_aside.form_of(message))
    return message if isinstance(message, ObjectChange) else placeholder.without(message, placeholders)


def _left_out(changes: Iterable[Change]) -> list[Problem]:
    return [Problem("attribute", change.key, reason) for change in changes for reason in change.left_out]


def _only_counted(unreadable: Sequence[Unreadable], ids: Sequence[str]) -> tuple[int, ...]:
    """Returns the places of those that are counted on another problem, since there are too many of them."""
    own = (problems.identity(EVERY_SYNC, _problem(each)) for each in unreadable)
    return tuple(place for place, (id, mine) in enumerate(zip(ids, own, strict=False)) if id != mine)


def _problem(unreadable: Unreadable) -> Problem:
    return Problem("unreadable", "", unreadable.reason, unreadable.message, unreadable.form)
