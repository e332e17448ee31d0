"""What the settings at hand would change in Customer.io, by what the store has: before they are deployed, or after.

What should be held is derived from the facts by the settings, and nothing is written for a change of them: it reaches
each person with their next message, or all of them where somebody orders it.
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
"""So long nobody else looks what the same settings would change: a fleet says it once a day, until it is applied."""


class Deviation(NamedTuple):
    """One person or object that is not as the settings say; effect: what would be done, and to which attributes."""

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
    """Everybody whom the settings would change, and every object; without those who wait for a human.

    Args:
        store: where they are. It is read some at a time, and nothing is locked or written.
        rules: the settings.
        until: says when to stop before the end.
        at_once: how many are read in one transaction.
        idle: only those to whom nothing is on its way.
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
    """How Customer.io would be changed for one of them; None where it is as it should be."""
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
    """The attributes that an identify would set otherwise than they are, with their values."""
    if operation.item.get("action") != "identify":
        return
    held: dict[str, Any] = dict(entity.delivered.attributes) if entity.delivered else {}
    for name, value in operation.item["attributes"].items():
        if name != "_update" and not same(held.get(name, None if entity.delivered else UNCERTAIN), value):
            yield name, value


def apply(store: Store, rules: Rules) -> int:
    """Makes those due who are not as the settings say, behind what is live; how many. The deletion guard sees exits."""
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
    """Says in the log whom settings concern that are new to this store: once a day, by one of all processes."""
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
    """Whether nobody has looked for these settings of late."""
    digest = sha256(sync.model_dump_json().encode()).hexdigest()[:16]
    with store.reading() as tx:
        name = f"settings {sync.name} {digest}"
        if named_leases.held(tx, [name], store.now(tx)):
            return False
    with store.writing() as tx:
        return named_leases.take(tx, name, uuid4().hex, store.now(tx), _TOLD_SECONDS)
