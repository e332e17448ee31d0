"""Finds what can hardly be meant in a sync's own actions, although it is accepted, for `connector check`."""

from collections.abc import Iterable, Iterator

from connector.actions.action import Action
from connector.actions.template import Constant, Path, TemplateObject, TemplateSource
from connector.audience.rules import Rules
from connector.model.change import EventKind

_KINDS: dict[str, EventKind] = {"track": "event", "page": "page", "screen": "screen"}
_MOVES = ("enter_segment", "leave_segment")


def doubts(rules: Rules) -> Iterator[str]:
    """Yields a line for each doubtful thing, beginning with the key of the action that it stands under."""
    if rules.actions is None:
        return
    if not rules.actions.own:
        yield "default_actions = false, and no actions: calls of the Segment spec do nothing here"
    for action in rules.actions.own:
        for text in (*_unknown_paths(action), *_events(action, rules), *_segments(action, rules)):
            yield f"{action.name}: {text}"
        yield from (f"{action.name}: {text}" for text in _attributes(action, rules))


def _unknown_paths(action: Action) -> Iterator[str]:
    for path in dict.fromkeys(_paths(action)):
        if not path.is_known:
            yield f"{path} begins with no field that calls of the Segment spec usually have"


def _paths(action: Action) -> Iterator[Path]:
    yield from (each.field for each in action.when.conditions)
    for template in action.template.values():
        yield from template.paths if isinstance(template, TemplateObject) else _among(template, Path)


def _among(source: TemplateSource, kind: type[Path]) -> Iterable[Path]:
    return (each for each in source if isinstance(each, kind))


def _values(source: TemplateSource) -> list[str]:
    return [str(each.value) for each in source if isinstance(each, Constant)]


def _events(action: Action, rules: Rules) -> Iterator[str]:
    """Yields a text for each event, of a name given in the action, that `events` of the sync does not let through."""
    kind = _KINDS.get(action.effect.name)
    if kind is None:
        return
    name = action.template.get("name", ())
    given = _values(name) if not isinstance(name, TemplateObject) else []
    names = given or (sorted(action.when.events) if not name and kind == "event" else [])
    for each in names or ([kind] if kind != "event" else []):
        if not rules.allows(kind, each):
            yield f"`events` does not name {each!r}: it is not sent"


def _segments(action: Action, rules: Rules) -> Iterator[str]:
    source = action.template.get("segment", ())
    if action.effect.name not in _MOVES or isinstance(source, TemplateObject):
        return
    for each in _values(source):
        if not rules.admits([(each, each)]):
            yield f"`segments` does not name {each!r}: nobody comes into the audience by it"


def _attributes(action: Action, rules: Rules) -> Iterator[str]:
    """Yields a text for each attribute, of a name given in the action, that no setting of the sync reads."""
    table = action.template.get("attributes", ())
    if action.effect.name != "identify" or not isinstance(table, TemplateObject):
        return
    sources = [source for _, source in rules.attributes] + [each.source for each in rules.transformed]
    read = {name for each in (*sources, rules.identifier, rules.email) for name in each.flat}
    for name, _ in table.entries:
        if name not in read:
            yield f"`attributes` does not name {name!r}: it is not sent"
