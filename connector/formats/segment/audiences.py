"""The audiences that calls of the Segment spec enter and leave.

Such calls carry no list of segments. Platforms that compute audiences write each move in one of two ways: as an event
of its own, or as a true or false trait whose name the context gives as the audience's key. Both name the audience by
that key; it is both id and name of our segment, since a name that only one of the two ways carries would come and go.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connector.formats.reading import segment_of, unique, word
from connector.model.change import Segment

ENTERED = "Audience Entered"
EXITED = "Audience Exited"
_AUDIENCE = "audience"


class Moves(NamedTuple):
    """The segments a call says the user entered, and those they left."""

    entered: tuple[Segment, ...] = ()
    left: tuple[Segment, ...] = ()


def by_event(name: str, properties: Mapping[str, Any]) -> Moves:
    """Returns the move that an event of this name tells of; none for other events.

    Raises UnreadableError where such an event names no audience: to pass it over could keep somebody in or out.
    """
    if name not in (ENTERED, EXITED):
        return Moves()
    key = word(properties.get("audience_key"))
    segment = segment_of(word(properties.get("audience_name")) if key is None else key, str)
    return Moves(entered=(segment,)) if name == ENTERED else Moves(left=(segment,))


def by_trait(context: Mapping[str, Any], traits: Mapping[str, Any]) -> Moves:
    """Returns the moves that the traits tell of: those true or false that the context names as audiences."""
    keys = [key for named in (context, context.get("personas"), context.get("audiences")) for key in _keys(named)]
    told = [(segment_of(key, str), traits[key]) for key in keys if isinstance(traits.get(key), bool)]
    entered, left = ([segment for segment, inside in told if inside is side] for side in (True, False))
    return Moves(unique(entered), unique(left))


def _keys(named: object) -> Iterator[str]:
    """Yields the keys in a text, in an object with a `computation_key`, or in a list of either.

    An object that says it is of another class than "audience" is a computed trait: true or false, but no audience.
    """
    for each in named if isinstance(named, list) else (named,):
        given = each
        if isinstance(each, dict):
            given = each.get("computation_key") if each.get("computation_class", _AUDIENCE) == _AUDIENCE else None
        key = word(given)
        if key is not None:
            yield key
