"""Which manual segments a person should be in, is in, and what lies between: the mirrors of upstream segments.

A mirror is named by its upstream segment, as the settings write it. What Customer.io holds is kept by these names: true
where the person is in, false where that is not known. A mirror that is not served at the moment, or is not in the
settings any more, is left as it is.
"""

from collections.abc import Iterable, Mapping, Sequence

from connector.audience.rules import Rules
from connector.model.entity import Entity, Facts

Memberships = Mapping[str, bool]
NONE: Memberships = {}


def wanted(facts: Facts, rules: Rules) -> Memberships:
    """Returns the mirrors in which somebody in the audience should be: those of their segments, by name or id."""
    present = {key for key, name in facts.segments.values.items() if name is not None}
    present.update(name for name in facts.segments.values.values() if name is not None)
    return {mirror: True for mirror in rules.mirrors if mirror in present}


def held(entity: Entity, rules: Rules) -> Memberships:
    """Returns the memberships known of a person: in doubt nothing is known of any mirror."""
    known = entity.delivered.memberships if entity.delivered else NONE
    return unknown((*known, *rules.mirrors)) if entity.doubt else known


def unknown(mirrors: Iterable[str]) -> Memberships:
    """Returns memberships by which it is not known of any of these mirrors whether the person is in."""
    return dict.fromkeys(mirrors, False)


def changes(held: Memberships, wanted: Memberships, mirrors: Iterable[str]) -> Sequence[tuple[str, bool]]:
    """Returns the changes to tell these mirrors: each with whether the person comes in (true) or goes (false)."""
    came = [(mirror, True) for mirror in mirrors if mirror in wanted and not held.get(mirror)]
    return came + [(mirror, False) for mirror in mirrors if mirror in held and mirror not in wanted]


def after(held: Memberships, wanted: Memberships, mirrors: Iterable[str]) -> Memberships:
    """Returns what Customer.io holds once all the changes of these mirrors are confirmed."""
    kept = {mirror: known for mirror, known in held.items() if mirror not in mirrors}
    return kept | {mirror: True for mirror in mirrors if mirror in wanted}
