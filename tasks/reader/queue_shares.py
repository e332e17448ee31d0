"""Decides which reader reads which queue. Every reader comes to the same decision by itself, from the same facts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

Groups = Sequence[Sequence[str]]
"""The queues, by what they are for: the shards of one kind are spread among the readers for themselves."""


def shared_out(groups: Groups, holders: Mapping[str, str], readers: Collection[str]) -> dict[str, str]:
    """Shares queues out to readers: as evenly as possible, for each kind of queue, and with as few moves as possible.

    Args:
        groups: The queues.
        holders: The readers of queues now.
        readers: Everybody who lives.
    """
    if not readers:
        return {}
    total: Counter[str] = Counter(dict.fromkeys(readers, 0))
    found: dict[str, str] = {}
    for queues in groups:
        found |= _one_kind(queues, holders, total)
    while (move := _move(groups, found, total)) is not None:
        queue, to = move
        total[found[queue]] -= 1
        total[to] += 1
        found[queue] = to
    return found


def _one_kind(queues: Sequence[str], holders: Mapping[str, str], total: Counter[str]) -> dict[str, str]:
    """Shares out one kind. A reader keeps its queues unless it has too many; those with the fewest get the rest."""
    here: Counter[str] = Counter(dict.fromkeys(total, 0))
    each, extra = divmod(len(queues), len(total))
    found: dict[str, str] = {}
    for queue in queues:
        reader = holders.get(queue, "")
        if reader in here and (here[reader] < each or (here[reader] == each and extra)):
            extra -= here[reader] == each
            found[queue] = reader
            here[reader] += 1
            total[reader] += 1
    for queue in queues:
        if queue not in found:
            found[queue] = min(here, key=lambda name: (here[name], total[name], name))
            here[found[queue]] += 1
            total[found[queue]] += 1
    return found


def _move(groups: Groups, found: Mapping[str, str], total: Counter[str]) -> tuple[str, str] | None:
    """Returns a queue to move from the reader with most to one with fewest, its kind evenly spread, and that one."""
    rich = max(total, key=lambda name: (total[name], name))
    poor = min(total, key=lambda name: (total[name], name))
    if total[rich] - total[poor] < 2:
        return None
    for queues in groups:
        theirs = [queue for queue in queues if found[queue] == rich]
        if len(theirs) > sum(found[queue] == poor for queue in queues):
            return theirs[-1], poor
    return None
