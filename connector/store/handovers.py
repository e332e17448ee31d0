"""Hands over the users who were merged into others: identifiers, events and what is known, in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, case, exists, func, literal, null, select, update

from connector import audience, handover
from connector.audience import Standing
from connector.model.entity import Entity, Facts
from connector.model.problem import Problem
from connector.audience.rules import Rules
from connector.store import counts, encoding, entities, identities, leads, problems
from connector.store.entities import TABLE, of, parts
from connector.store.events import IS_PENDING
from connector.store.events import TABLE as EVENT
from connector.store.bulk_sql import among
from connector.store.settling import leased

_IDENTITY = identities.TABLE


def hand_over(connection: Connection, rules: Rules, lease: str, keys: Sequence[str], now: float) -> None:
    """Hands over from these users, claimed under `lease`, each to the one whom they turned out to be.

    One step at a time: who was merged into somebody who was merged themselves gets there in the end. Users who are
    each said to be the other are a problem, and the newest word counts.
    """
    sync = rules.name
    ways = _ways(connection, sync, keys)
    targets = {target for key in keys if (target := handover.target(ways[key]))}
    circles = {tuple(sorted(found)) for key in keys if (found := handover.circle(key, ways))}
    entities.reserve(connection, sync, sorted(targets))
    people = entities.load(connection, sync, {*keys, *targets, *(each for circle in circles for each in circle)})
    work = _Handover(rules, people, leased(connection, sync, lease, keys))
    for users in sorted(circles):
        work.open(list(users))
    for key in sorted(work.mine):
        work.hand_over(key)
    _write(connection, work, lease, now)
    problems.add(connection, sync, work.problems, now)
    counts.tally(connection, {sync: {"handed over": len(work.left)}})


class _Handover:
    """The users of one transaction as they come to be. mine: those whose claim is ours; left: who went to whom."""

    def __init__(self, rules: Rules, people: dict[str, Entity], mine: Collection[str]) -> None:
        self.rules = rules
        self.people = people
        self.mine = mine
        self.left: dict[str, str] = {}
        self.due: dict[str, bool] = {}
        self.problems: list[Problem] = []
        for key in mine:  # without the doubt that our claim raised
            people[key] = replace(people[key], doubt=people[key].doubt - 1)
            self.due[key] = True

    def open(self, users: list[str]) -> None:
        """Lets one of a circle go on."""
        facts = {key: self.people[key].facts for key in users}
        if handover.circle(users[0], facts):
            survivor, moved = handover.opened(users, facts)
            entity = self.people[survivor]
            self.people[survivor] = replace(entity, facts=moved, revision=entity.revision + 1)
            self.due[survivor] = True
            self.problems.append(handover.problem(survivor, users))

    def hand_over(self, key: str) -> None:
        """Hands over, where the user is still to be; else they are due as they were."""
        old = self.people[key]
        target = handover.target(old.facts)
        if target in self.people and target != key and self.standing(key) is Standing.MERGED:
            self.people[key], self.people[target] = handover.handed_over(old, self.people[target])
            self.left[key] = target
            self.due |= {key: False, target: True}

    def standing(self, key: str) -> Standing:
        """How the user stands now."""
        return audience.standing(self.people[key].facts, self.rules)


def _ways(connection: Connection, sync: str, keys: Collection[str]) -> Mapping[str, Facts]:
    """The facts of these users, and of all to whom the way leads from them. Read without locks."""
    found: dict[str, Facts] = {}
    wanted = {*keys}
    while wanted:
        for part in parts(wanted):
            rows = select(TABLE.c.key, TABLE.c.facts, TABLE.c.entered)
            mine = rows.where(of(sync), among(connection, TABLE.c.key, part))
            found |= {row.key: encoding.facts_of(row.facts, row.entered) for row in connection.execute(mine)}
        there = {target for key in wanted if key in found and (target := handover.target(found[key]))}
        wanted = there - found.keys() - wanted
    return found


def _write(connection: Connection, work: _Handover, lease: str, now: float) -> None:
    sync = work.rules.name
    rows = [_row(work, key, now) for key in sorted(work.due)]
    if rows:
        connection.execute(_writing(sync, lease), rows)
    moves = [{"old": old, "new": new} for old, new in work.left.items()]
    if moves:
        theirs = EVENT.c.key == bindparam("old")
        connection.execute(
            update(EVENT).where(EVENT.c.sync == sync, IS_PENDING, theirs).values(key=bindparam("new")), moves
        )
        held = (_IDENTITY.c.sync == sync) & (_IDENTITY.c.key == bindparam("old"))
        connection.execute(update(_IDENTITY).where(held).values(key=bindparam("new")), moves)
        _end_waiting(connection, sync, set(work.left.values()), now)
        if work.rules.by_either:
            leads.drop(connection, sync, work.left)


def _row(work: _Handover, key: str, now: float) -> Mapping[str, Any]:
    entity = work.people[key]
    return {
        "the_key": key,
        "new_facts": encoding.facts_text(entity.facts),
        "new_delivered": encoding.person_text(entity.delivered),
        "new_tried": encoding.tried_text(entity.tried),
        "new_doubt": entity.doubt,
        "new_revision": entity.revision,
        "new_standing": work.standing(key),
        "is_due": int(work.due[key]),
        "at": now,
    }


def _writing(sync: str, lease: str) -> Any:
    mine = of(sync) & (TABLE.c.key == bindparam("the_key"))
    ours = TABLE.c.lease == lease
    waiting = TABLE.c.waits_for.is_not(None)
    due_at = case((waiting, null()), (bindparam("is_due") == 1, func.coalesce(TABLE.c.due_at, bindparam("at"))))
    return update(TABLE).where(mine).values(
        facts=bindparam("new_facts"),
        delivered=bindparam("new_delivered"),
        tried=bindparam("new_tried"),
        doubt=bindparam("new_doubt"),
        revision=bindparam("new_revision"),
        standing=case((waiting, TABLE.c.standing), else_=bindparam("new_standing")),
        due_at=due_at,
        lease=case((ours, null()), else_=TABLE.c.lease),
        leased_until=case((ours, null()), else_=TABLE.c.leased_until),
    )  # fmt: skip


def _end_waiting(connection: Connection, sync: str, survivors: Collection[str], now: float) -> None:
    """Who waited for an identifier that the other one held has it now."""
    held = exists().where(
        _IDENTITY.c.sync == sync, _IDENTITY.c.identifier == TABLE.c.waits_for, _IDENTITY.c.key == TABLE.c.key
    )
    for part in parts(survivors):
        mine = of(sync) & among(connection, TABLE.c.key, part)
        waiting = update(TABLE).where(mine, TABLE.c.waits_for.is_not(None), held)
        connection.execute(waiting.values(waits_for=None, due_at=literal(now)))
