"""Hands over the users who were merged into others: identifiers, events and what is known, in one transaction."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Float, bindparam, case, exists, func, literal, null, select, update

from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.rules import Rules
from connector.model.entity import Entity, Facts, Identifier
from connector.model.problem import Problem
from connector.planning import merged_users
from connector.store import encoding, entities, facts, identifier_holders, leads, problems, tallies
from connector.store.bulk_sql import among
from connector.store.entities import TABLE, of, parts
from connector.store.events import IS_PENDING
from connector.store.events import TABLE as EVENT
from connector.store.settlements import leased

_IDENTITY = identifier_holders.TABLE
_LATER_SECONDS = 0.5


def hand_over(tx: Connection, rules: Rules, lease: str, keys: Sequence[str], now: float) -> Collection[str]:
    """Hands over each of these users to the user they were merged into.

    This takes one step at a time: a user merged into somebody who was merged themselves arrives after several. Two
    users who are each merged into the other become a problem, and the newest message counts.

    Args:
        tx: a writing transaction.
        rules: the settings of the sync.
        lease: the id of the claim under which the users are leased.
        keys: the keys of the users.
        now: unix seconds, by the store's clock.

    Returns:
        The survivors that are free.
    """
    sync = rules.name
    ways = _ways(tx, sync, keys)
    targets = {target for key in keys if key in ways and (target := merged_users.target(ways[key]))}
    circles = {tuple(sorted(found)) for key in keys if (found := merged_users.circle(key, ways))}
    entities.reserve(tx, sync, sorted(targets))
    people = entities.load(tx, sync, {*keys, *targets, *(each for circle in circles for each in circle)})
    sent_for = _sent_for(tx, sync, lease, targets)
    named = {encoding.identifier_text(each) for entity in people.values() for each in merged_users.named(entity)}
    holders = identifier_holders.holders(tx, sync, named)
    work = _Handover(rules, people, leased(tx, sync, lease, keys), sent_for, holders)
    for users in sorted(circles):
        work.open(list(users))
    for key in sorted(work.mine):
        work.hand_over(key)
    _write(tx, work, lease, now)
    problems.add(tx, sync, work.problems, now)
    tallies.tally(tx, {sync: {"handed over": len(work.left)}}, now)
    return set(work.left.values())


def _sent_for(tx: Connection, sync: str, lease: str, survivors: Collection[str]) -> dict[str, bool]:
    """Returns the survivors for whom something is due, each with whether another claim than ours has them."""
    found: dict[str, bool] = {}
    for part in parts(survivors):
        mine = of(sync) & among(tx, TABLE.c.key, part) & TABLE.c.due_at.is_not(None)
        rows = tx.execute(select(TABLE.c.key, TABLE.c.lease).where(mine))
        found |= {row.key: row.lease not in (None, lease) for row in rows}
    return found


class _Handover:
    """The users of one transaction as they will be.

    mine: those we have claimed; sent_for: survivors who are due, each with whether another claim has them; holders: of
    the identifiers by which upstream has named users; left: the survivors by merged user.
    """

    def __init__(
        self,
        rules: Rules,
        people: dict[str, Entity],
        mine: Collection[str],
        sent_for: Mapping[str, bool],
        holders: Mapping[str, str],
    ) -> None:
        self.rules = rules
        self.people = people
        self.mine = mine
        self.left: dict[str, str] = {}
        self.due: dict[str, bool] = {}
        self.sent_for = sent_for
        self.holders = holders
        self.later: set[str] = set()
        self.problems: list[Problem] = []
        for key in mine:  # without the doubt that our claim raised
            people[key] = replace(people[key], doubt=people[key].doubt - 1)
            self.due[key] = True
        self.corrupt = {key for key, entity in people.items() if entity.unreadable}

    def open(self, users: list[str]) -> None:
        """Breaks a circle of merges, if there still is one, so that one of its users survives."""
        facts = {key: self.people[key].facts for key in users}
        if merged_users.circle(users[0], facts):
            survivor, moved = merged_users.opened(users, facts)
            entity = self.people[survivor]
            self.people[survivor] = replace(entity, facts=moved, revision=entity.revision + 1)
            self.due[survivor] = True
            self.problems.append(merged_users.problem(survivor, users))

    def hand_over(self, key: str) -> None:
        """Hands the user over if that is due and possible. Otherwise they stay due, or wait, or are a problem."""
        old = self.people[key]
        target = merged_users.target(old.facts)
        if target in self.corrupt:
            self.due[key] = False
            reason = f"is said to be {target!r}, whose row in the store cannot be read: nothing is handed over"
            self.problems.append(Problem("conflict", key, reason))
        elif target in self.people and self._is_not_certain(self.people[target]):
            if not self.sent_for[target]:
                self.later.add(key)
        elif target in self.people and target != key and self.standing(key) is AudienceStatus.MERGED:
            others = list(self._of_others(key, target))
            self.people[key], self.people[target] = merged_users.handed_over(old, self.people[target], others)
            self.left[key] = target
            self.due |= {key: False, target: True}

    def _of_others(self, key: str, target: str) -> Iterator[Identifier]:
        """Yields the user's identifiers that another user holds: that one must not be merged. Each is a problem."""
        for each in merged_users.named(self.people[key]):
            text = encoding.identifier_text(each)
            holder = self.holders.get(text, key)
            if holder not in (key, target) and not self._goes_on_as(target, holder):
                reason = f"{text} is the identifier of the user {holder!r} too: nobody is merged there"
                self.problems.append(Problem("conflict", key, reason))
                yield each

    def _goes_on_as(self, key: str, holder: str) -> bool:
        """Says whether a user was merged into the holder of an identifier."""
        return key in self.people and merged_users.target(self.people[key].facts) == holder

    def _is_not_certain(self, survivor: Entity) -> bool:
        """Says whether the survivor may or may not be there: the first request for them runs, or had no answer.

        Where people are known by e-mail too, a request for somebody who is there says nothing of the other's address,
        and one for somebody who is not there gives the other their id. What to merge is clear once it is answered.
        """
        if not self.rules.addressing.knows_leads or survivor.delivered is not None or survivor.key not in self.sent_for:
            return False
        own = self.rules.addressing.identifier(survivor.facts.identity.values)
        unanswered = survivor.doubt > 0 and any(own == each for each in survivor.tried.identifiers)
        return self.sent_for[survivor.key] or unanswered

    def standing(self, key: str) -> AudienceStatus:
        """Returns the user's audience status now."""
        return standing_of(self.people[key].facts, self.rules)


def _ways(tx: Connection, sync: str, keys: Collection[str]) -> Mapping[str, Facts]:
    """Returns the facts of these users and of all their survivors in turn, read without locks."""
    found: dict[str, Facts] = {}
    wanted = {*keys}
    while wanted:
        found |= facts.read(tx, sync, wanted)
        there = {target for key in wanted if key in found and (target := merged_users.target(found[key]))}
        wanted = there - found.keys() - wanted
    return found


def _write(tx: Connection, work: _Handover, lease: str, now: float) -> None:
    sync = work.rules.name
    rows = [_row(work, key, now) for key in sorted(work.due)]
    if rows:
        tx.execute(_writing(sync, lease), rows)
    moves = [{"old": old, "new": new} for old, new in work.left.items()]
    if moves:
        theirs = EVENT.c.key == bindparam("old")
        tx.execute(update(EVENT).where(EVENT.c.sync == sync, IS_PENDING, theirs).values(key=bindparam("new")), moves)
        held = (_IDENTITY.c.sync == sync) & (_IDENTITY.c.key == bindparam("old"))
        tx.execute(update(_IDENTITY).where(held).values(key=bindparam("new")), moves)
        _end_waiting(tx, sync, set(work.left.values()), now)
        identifier_holders.end_waits(tx, sync, set(work.left.values()))
        problems.clear_all(tx, sync, "failing", work.left)  # nothing is sent for them any more
        if work.rules.addressing.knows_leads:
            leads.drop(tx, sync, work.left)


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
        "later": now + _LATER_SECONDS if key in work.later else None,
    }


def _writing(sync: str, lease: str) -> Any:
    mine = of(sync) & (TABLE.c.key == bindparam("the_key"))
    ours = TABLE.c.lease == lease
    waiting = TABLE.c.waits_for.is_not(None)
    due = func.coalesce(bindparam("later", type_=Float), TABLE.c.due_at, bindparam("at"))
    due_at = case((waiting, null()), (bindparam("is_due") == 1, due))
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


def _end_waiting(tx: Connection, sync: str, survivors: Collection[str], now: float) -> None:
    """Ends the survivors' waits for identifiers that the merged users held and they hold now; makes them due."""
    held = exists().where(
        _IDENTITY.c.sync == sync, _IDENTITY.c.identifier == TABLE.c.waits_for, _IDENTITY.c.key == TABLE.c.key
    )
    for part in parts(survivors):
        mine = of(sync) & among(tx, TABLE.c.key, part)
        waiting = update(TABLE).where(mine, TABLE.c.waits_for.is_not(None), held)
        tx.execute(waiting.values(waits_for=None, due_at=literal(now)))
