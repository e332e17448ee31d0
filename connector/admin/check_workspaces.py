"""Finds settings by which syncs that deliver to one workspace disturb one another, for `connector check`."""

from collections.abc import Hashable, Iterator, Mapping
from itertools import combinations

from connector.model.attribute_names import EVERYTHING
from connector.settings.connection import workspaces
from connector.settings.schema import Settings, Sync


def doubts(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yields where two syncs that deliver to one workspace contradict each other, as pairs of a sync's name and a text.

    Syncs that do not deliver are left out.
    """
    workspace_of = workspaces(settings.connections)
    delivering = [sync for sync in settings.syncs.values() if sync.deliver]
    for one, other in combinations(delivering, 2):
        if workspace_of[one.connection] == workspace_of[other.connection]:
            yield from ((other.name, text) for text in _of_pair(one, other))


def _of_pair(one: Sync, other: Sync) -> Iterator[str]:
    there = f"syncs.{one.name}, which delivers to the same workspace"
    ours, theirs = _sent(other), _sent(one)
    both = sorted(ours.keys() & theirs.keys())
    for name in both:
        if ours[name] != theirs[name]:
            yield f"{name!r} is sent otherwise by {there}: of who is in both the last word counts. Give each its own"
    if both and "keep" in (one.on_exit, other.on_exit):
        yield (
            f"{', '.join(map(repr, both))} is sent by {there} too, and one of them keeps who leaves: a resync of that "
            'one sends again what it last sent. Give each its own, or on_exit = "clear"'
        )
    if one.on_identifier_change != other.on_identifier_change:
        yield (
            f"on_identifier_change is {other.on_identifier_change}, and {one.on_identifier_change} in {there}: who "
            "gets another identifier may be two people there. Give both the same"
        )
    if _blocks(one) != _blocks(other):
        yield f"suppress_when is another one in {there}: who is suppressed by one is blocked for both"


def _sent(sync: Sync) -> Mapping[str, Hashable]:
    """Returns what each attribute is made of, by its name in Customer.io."""
    found: dict[str, Hashable] = {
        each.target: (each.source, repr(each.transform), sync.convert_dates)
        for each in sync.attributes
        if each.source != EVERYTHING
    }
    if sync.segment_attribute:
        found[sync.segment_attribute] = (sync.segment_shape, sync.segment_case)
    return found


def _blocks(sync: Sync) -> Hashable:
    return sync.suppress_when.attribute, repr(sync.suppress_when.equals)


def alike(numbers: Mapping[str, int], settings: Settings) -> Iterator[tuple[str, str]]:
    """Yields the connections that lead to one workspace by different site ids, as pairs of a name and a text.

    The syncs of such connections do not know of one another's people.

    Args:
        numbers: Customer.io's number of the workspace, by the connection's name.
        settings: The settings.
    """
    workspace_of = workspaces(settings.connections)
    for one, other in combinations(sorted(numbers), 2):
        if numbers[one] == numbers[other] and workspace_of[one] != workspace_of[other]:
            yield (
                other,
                (
                    f"it leads to workspace {numbers[other]}, as connections.{one} does by another site id: syncs of "
                    "the one delete whom syncs of the other still want. Let all of them name one connection"
                ),
            )
