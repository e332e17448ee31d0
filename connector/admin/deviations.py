"""Says what settings would change in Customer.io, by what the store has: before they are deployed, or after.

What Customer.io should hold is derived from the facts by the settings, and nothing is written when the settings change:
a change reaches each person with their next message, or all of them where somebody orders it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import uuid4

import structlog

from connector.audience import desired as audience
from connector.audience import objects
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.customerio.operations.operation import Operation
from connector.model.entity import Entity, EntityKind
from connector.planning import merged_users
from connector.planning.plan import is_owed, next_step
from connector.planning.step import UNCERTAIN, same
from connector.runtime import Runtime
from connector.settings.schema import Sync
from connector.store import everybody, named_leases, resend
from connector.store.engine import Store
from connector.store.entities import OBJECT, PERSON

log = structlog.get_logger(__name__)
_AT_ONCE = 1000
NOTE = (
    "What the store does not have yet is not in this: an attribute comes with the next message that says it, and "
    "who never was in the audience with theirs. `connector backfill` brings both."
)
_TOLD_SECONDS = 86_400.0
"""The time in which no other process looks at what the same settings would change: a fleet says it once a day."""


class Deviation(NamedTuple):
    """One person or object that is not as the settings say.

    effect: what would be done; sets, clears: the names of the attributes that would be set and cleared.
    """

    kind: EntityKind
    key: str
    effect: str
    sets: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()


def of_sync(
    store: Store,
    rules: Rules,
    until: Callable[[], bool] = lambda: False,
    at_once: int = _AT_ONCE,
    *,
    idle: bool = False,
) -> Iterator[Deviation]:
    """Yields the objects, then the people that the settings would change.

    Those who wait for a human or for another user are left out.

    Args:
        store: The store to read. It is read some at a time, and nothing is locked or written.
        rules: The settings, as the sync's rules.
        until: Says when to stop before the end.
        at_once: How many are read in one transaction.
        idle: Whether to look only at those to whom nothing is on its way.
    """
    for kind in (OBJECT, PERSON) if rules.objects else (PERSON,):
        key = ""
        while not until():
            with store.reading() as tx:
                page = everybody.page(tx, rules.name, key, at_once, kind, idle=idle)
            yield from (each for entity in page if (each := deviation(entity, rules)))
            if len(page) < at_once:
                break
            key = page[-1].key


def deviation(entity: Entity, rules: Rules) -> Deviation | None:
    """Returns how Customer.io would be changed for one entity.

    None where it is as it should be, and for an entity whose row cannot be read.
    """
    if entity.unreadable:
        return None
    of_person = entity.kind == PERSON
    wanted = audience.desired(entity.facts, rules) if of_person else objects.desired(entity, rules)
    if wanted.standing is AudienceStatus.MERGED and merged_users.left_nothing(entity):
        return None
    if not is_owed(entity, wanted, rules):
        return None
    step = next_step(entity, wanted, (), rules)
    changed = dict(pair for each in step.operations for pair in _attributes(each, entity))
    sets = sorted(name for name, value in changed.items() if value is not None)
    clears = sorted(changed.keys() - set(sets))
    return Deviation(entity.kind, entity.key, _effect(wanted, step.effect), tuple(sets), tuple(clears))


def _effect(wanted: Desired, effect: str | None) -> str:
    return "cleared" if wanted.standing is AudienceStatus.CLEARED else effect or "updated"


def _attributes(operation: Operation, entity: Entity) -> Iterator[tuple[str, Any]]:
    """Yields the name and the new value of each attribute that an identify would change."""
    if operation.item.get("action") != "identify":
        return
    held: dict[str, Any] = dict(entity.delivered.attributes) if entity.delivered else {}
    for name, value in operation.item["attributes"].items():
        if name != "_update" and not same(held.get(name, None if entity.delivered else UNCERTAIN), value):
            yield name, value


def apply(store: Store, rules: Rules) -> int:
    """Makes the people and objects due that are not as the settings say, behind live changes; returns how many.

    The deletion guard counts the exits among them.
    """
    applied = 0
    by_kind: dict[EntityKind, list[str]] = {OBJECT: [], PERSON: []}
    for each in of_sync(store, rules):
        by_kind[each.kind].append(each.key)
    for kind, keys in by_kind.items():
        for start in range(0, len(keys), _AT_ONCE):
            with store.writing() as tx:
                applied += resend.make_due_behind(tx, rules.name, keys[start : start + _AT_ONCE], store.now(tx), kind)
    return applied


def tell(runtime: Runtime, until: Callable[[], bool]) -> None:
    """Says in the log how many are not as the settings say: for the same settings once a day, by one process of all."""
    for rules in runtime.syncs:
        if not _first(runtime.store, runtime.settings.syncs[rules.name]):
            continue
        counts = Counter(each.effect for each in of_sync(runtime.store, rules, until, idle=True))
        if counts:
            how = f"`connector diff {rules.name}` shows them, `connector diff {rules.name} --apply` sends them"
            log.warning(
                "not everybody is as the settings say",
                sync=rules.name, looked_at="a part" if until() else "all", **counts, how=how,
            )  # fmt: skip


def _first(store: Store, sync: Sync) -> bool:
    """Says whether no process has looked for these settings in the last day; this one takes the turn then."""
    digest = sha256(sync.model_dump_json().encode()).hexdigest()[:16]
    with store.reading() as tx:
        name = f"settings {sync.name} {digest}"
        if named_leases.held(tx, [name], store.now(tx)):
            return False
    with store.writing() as tx:
        return named_leases.take(tx, name, uuid4().hex, store.now(tx), _TOLD_SECONDS)
