"""Delivery in a workspace of several syncs: no sync takes away from a person what another one wants to keep."""

from collections.abc import Collection, Iterable, Sequence
from uuid import uuid4

import structlog

from connector.audience.rules import Rules
from connector.model.entity import Identifier
from connector.planning import other_syncs
from connector.planning.attempt import Attempt
from connector.planning.other_syncs import OtherSyncPerson
from connector.store import named_leases, resend, workspace_holders
from connector.store.encoding import identifier_text
from connector.store.engine import Store
from connector.store.entities import PERSON

log = structlog.get_logger(__name__)
_AGAIN_SECONDS = 3600.0


def shared(store: Store, others: Sequence[Rules], attempts: Sequence[Attempt]) -> list[Attempt]:
    """Plans anew for people of whom something would be taken away, with what other syncs want of them.

    Args:
        store: where all syncs are kept: it is asked once, if anything is to be taken away.
        others: the other syncs that deliver to the workspace.
        attempts: people or objects whose first step is planned.

    Returns:
        The attempts in their order.
    """
    asked = {index: each for index, each in enumerate(attempts) if _takes_away(each)}
    if not others or not asked:
        return list(attempts)
    wanted = {name for each in asked.values() for name in (*_names(each), *_called(each))}
    with store.reading() as tx:
        people = workspace_holders.people(tx, others, wanted)
    found = {index: other_syncs.together(each.claim.entity.key, _others(each, people)) for index, each in asked.items()}
    return [
        each if (elsewhere := found.get(index)) is None else Attempt.of(each.claim, each.rules, elsewhere)
        for index, each in enumerate(attempts)
    ]


def _takes_away(attempt: Attempt) -> bool:
    return attempt.claim.entity.kind == PERSON and other_syncs.takes_away(attempt.step.operations)


def _names(attempt: Attempt) -> list[str]:
    return _texts(other_syncs.identifiers(attempt.claim.entity, attempt.desired, attempt.rules))


def _called(attempt: Attempt) -> list[str]:
    """Returns the identifiers that upstream gives the user now: another sync may have merged them there already."""
    return _texts(attempt.rules.addressing.all_named(attempt.claim.entity.facts.identity.values))


def _texts(identifiers: Iterable[Identifier]) -> list[str]:
    return [identifier_text(each) for each in identifiers]


def _others(attempt: Attempt, people: dict[str, list[OtherSyncPerson]]) -> list[OtherSyncPerson]:
    """Returns the people of other syncs who are this one in Customer.io, each once."""
    key = attempt.claim.entity.key
    found = [one for name in _names(attempt) for one in people.get(name, ())]
    found += [one for name in _called(attempt) for one in people.get(name, ()) if one.entity.key == key]
    return list({(one.rules.name, one.entity.key): one for one in found}.values())


def send_again(store: Store, others: Sequence[Rules], attempts: Iterable[Attempt]) -> set[str]:
    """Makes other syncs send whole the people whom this one may have deleted, if they came to want them meanwhile.

    It must come before the attempts are settled: if this process ends in between, they are tried again, and so is this.

    Args:
        store: where all syncs are kept.
        others: the other syncs that deliver to the workspace.
        attempts: people or objects for whom requests have gone out.

    Returns:
        The syncs in which somebody is due.
    """
    names = {name for each in attempts if _may_have_harmed(each) for name in _names(each)}
    if not others or not names:
        return set()
    with store.writing() as tx:
        people = workspace_holders.people(tx, others, names)
        now, due = store.now(tx), set()
        for rules in others:
            keys = _wanting(rules, people)
            if keys and resend.send_whole(tx, rules.name, keys, now):
                due.add(rules.name)
    return due


def _may_have_harmed(attempt: Attempt) -> bool:
    """Says whether a delete may have arrived: one of this attempt, or an earlier one without an answer."""
    if attempt.claim.entity.kind != PERSON:
        return False
    return other_syncs.harms(attempt.gone_out) or (attempt.step.effect == "let go" and attempt.claim.entity.doubt > 0)


def _wanting(rules: Rules, people: dict[str, list[OtherSyncPerson]]) -> Collection[str]:
    """Returns the users of a sync whom it wants to be there."""
    theirs = [one for each in people.values() for one in each if one.rules.name == rules.name]
    wanted = ((one, other_syncs.wanted(one)) for one in theirs)
    return {one.entity.key for one, elsewhere in wanted if elsewhere is not None and not elsewhere.blocked}


def take_up(store: Store, syncs: Sequence[Rules]) -> set[str]:
    """Gives identifiers that a sync has let go to users who wait for them. Returns the syncs of these users."""
    with store.writing() as tx:
        workspace_holders.one_at_a_time(tx, syncs)
        return workspace_holders.take_up(tx, syncs, store.now(tx))


def part(store: Store, syncs: Sequence[Rules]) -> int:
    """Looks for users of two syncs who hold one identifier, once an hour. Returns how many users wait then."""
    sharing = [each for each in syncs if each.beside]
    if not sharing:
        return 0
    name = f"two holders in {','.join(each.name for each in sharing)}"
    with store.reading() as tx:
        if named_leases.held(tx, [name], store.now(tx)):
            return 0
    with store.writing() as tx:
        workspace_holders.one_at_a_time(tx, sharing)
        now = store.now(tx)
        if not named_leases.take(tx, name, uuid4().hex, now, _AGAIN_SECONDS):
            return 0
        found = workspace_holders.part(tx, sharing, now)
    if found:
        log.warning("users of two syncs have one identifier in their workspace: one of them waits", users=found)
    return found
