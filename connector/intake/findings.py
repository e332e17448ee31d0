"""What a batch comes to by the rules of a sync. Syncs that decide alike find it out once.

Several syncs often want the same, each for a workspace of its own. What a change does to given facts, what Customer.io
should hold by them, and their texts in the store are the same for each of these: that is most of what taking in costs.
Only what is found is shared. Each sync has rows of its own, and takes what was found by what its own rows say.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from connector.actions import action
from connector.actions.action import TakenCalls
from connector.audience import apply_change
from connector.audience import desired as audience
from connector.audience.address_ids import as_leads
from connector.audience.apply_change import AppliedChange
from connector.audience.desired import Desired
from connector.audience.mapping import MappedFields
from connector.audience.rules import Rules
from connector.model.change import Change
from connector.model.entity import Facts
from connector.store.row_texts import PLAIN, RowTexts, once

Known = dict[Hashable, dict[int, MappedFields]]


class BatchFindings(NamedTuple):
    """What is found of a batch for one sync, or for several that decide alike.

    taken: the changes that the actions leave. ahead: what `merge` will read of each. merge, desired, texts: what finds
    out about the users; for several syncs they remember what they have found.
    """

    taken: TakenCalls
    ahead: Sequence[MappedFields | None]
    merge: Callable[[Facts, Change, Rules, MappedFields | None, float], AppliedChange] = apply_change.merge
    desired: Callable[[Facts, Rules], Desired] = audience.desired
    texts: RowTexts = PLAIN

    def remembering(self) -> "BatchFindings":
        """Returns the same for several syncs."""
        merge, desired = once(apply_change.merge, told_apart_by=2), once(audience.desired)
        return self._replace(merge=merge, desired=desired, texts=RowTexts.remembering())


def find(changes: Sequence[Change], syncs: Sequence[Rules]) -> dict[str, BatchFindings]:
    """Finds what needs no look into the store. Returns the findings by the name of the sync."""
    known: Known = {}
    found: dict[str, BatchFindings] = {}
    for alike in _alike(syncs):
        findings = _findings(changes, alike[0], known)
        if len(alike) > 1:
            findings = findings.remembering()
        found.update((rules.name, findings) for rules in alike)
    return found


def _alike(syncs: Sequence[Rules]) -> list[list[Rules]]:
    """Returns the syncs in groups of those that decide alike."""
    groups: list[list[Rules]] = []
    for rules in syncs:
        group = next((each for each in groups if each[0].decides_as(rules)), None)
        if group is None:
            groups.append([rules])
        else:
            group.append(rules)
    return groups


def _findings(changes: Sequence[Change], rules: Rules, known: Known) -> BatchFindings:
    """Returns a sync's findings. `known`: what syncs that read alike have read; not used with actions."""
    taken = _taken(changes, rules)
    read_alike = known.setdefault(rules.reads, {}) if rules.actions is None else {}
    return BatchFindings(taken, apply_change.read_ahead(taken.changes, rules, read_alike))


def _taken(changes: Sequence[Change], rules: Rules) -> TakenCalls:
    found = action.taken(changes, rules.actions)
    return found._replace(changes=as_leads(found.changes, rules)) if rules.addresses_are_emails else found
