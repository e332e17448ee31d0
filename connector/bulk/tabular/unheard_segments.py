"""Segments that somebody names for a table, and nobody has heard of: most likely a name with a slip in it."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from connector.audience.rules import EVERYTHING, Rules
from connector.settings.warehouse import WarehouseSource
from connector.store import members
from connector.store.engine import Store


def warning(store: Store, syncs: Sequence[Rules], source: WarehouseSource) -> str | None:
    """Returns a warning about a source that puts people into an unknown segment; None where each is known."""
    asked = question(store, syncs, source.segments)
    return None if asked is None else asked.rpartition(". ")[0] + ": nobody comes into an audience by it"


def question(store: Store, syncs: Sequence[Rules], names: Iterable[str]) -> str | None:
    """Returns the question to ask before a table puts its users into these segments; None where each is known.

    A segment is known if the settings of a sync name it, or if somebody in the store is in it. Raises StoreError.
    """
    named = {each for rules in syncs for each in (*rules.whitelist, *rules.mirrors)} - {EVERYTHING}
    unheard = [name for name in names if name not in named]
    if unheard:
        with store.reading() as tx:
            unheard = [name for name in unheard if not members.any_in(tx, name)]
    if not unheard:
        return None
    near = get_close_matches(unheard[0], named, 1, 0.6)
    meant = f' (is "{near[0]}" meant?)' if near else ""
    return f'No sync names the segment "{unheard[0]}"{meant}, and nobody is in it. Take the table in all the same?'
