"""Actions applied: a sync's own first, in their order, then the defaults; all that are for a call take it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

from connector.actions.draft import Draft
from connector.actions.effects import IGNORE, ActionEffect
from connector.actions.template import ABSENT, TemplateObject, TemplateSource
from connector.actions.when import When
from connector.errors import UnreadableError
from connector.model.change import Change
from connector.model.problem import Problem

_NOTHING = "no action takes the call"


@dataclass(frozen=True, slots=True)
class Action:
    """One action. template: where the settings say that a field comes from; others have the effect's default."""

    name: str
    when: When
    effect: ActionEffect
    template: Mapping[str, TemplateSource | TemplateObject]

    def values(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values of its fields. Raises UnreadableError where the call has none for one that must have."""
        found: dict[str, Any] = {}
        for field in self.effect.fields:
            value = field.value(call, self.template.get(field.name, field.default))
            if value is not ABSENT:
                found[field.name] = value
            elif field.required:
                raise UnreadableError(f'the call has no "{field.name}" for it')
        return found


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions of a sync: its own, and those that take what its own leave."""

    own: tuple[Action, ...]
    defaults: tuple[Action, ...]


Outcome = Literal["done", "ignored", "not done", "passed over", "not meant"]
NOT_MEANT: Outcome = "not meant"


class Turn(NamedTuple):
    """The turn of one action with a call. own: it is one of the sync's own; fault: why it could not be done."""

    action: Action
    own: bool
    outcome: Outcome
    fault: str = ""

    def reason(self, call: Mapping[str, Any]) -> str:
        """Returns why, in words: made only when asked for, since most calls are told to nobody."""
        match self.outcome:
            case "not done":
                return self.fault
            case "passed over":
                return "an action of the sync's own does the same with this call"
            case _:
                return self.action.when.fault(call) or f"it is for {self.action.when}"


@dataclass(frozen=True, slots=True)
class Applied:
    """The change as the actions make it: None where none takes it, so that for this sync it never came.

    problems: what an action of the sync's own was for, and could not do.
    """

    change: Change | None
    turns: tuple[Turn, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def reason(self) -> str:
        """The reason why there is no change."""
        last = self.turns[-1] if self.turns else None
        return f"{last.action.name} ignores the call" if last and last.outcome == "ignored" else _NOTHING


class TakenCalls(NamedTuple):
    """The changes of a batch that a sync takes, how many it does not, and what could not be done."""

    changes: Sequence[Change]
    ignored: int = 0
    problems: tuple[Problem, ...] = ()


def apply(change: Change, actions: Actions) -> Applied:
    """Returns the change as these actions make it of its call. A change of a form without calls stays as it is.

    No action changes the user, the version or the ids.
    """
    if change.call is None:
        return Applied(change)
    draft = Draft(change, change.call)
    turns = _turns(draft, actions)
    done = any(turn.outcome == "done" for turn in turns)
    return Applied(draft.made() if done else None, tuple(turns), _problems(turns, change.key))


def taken(changes: Sequence[Change], actions: Actions | None) -> TakenCalls:
    """Returns the changes as a sync with these actions takes them; without actions of its own, as they are."""
    if actions is None:
        return TakenCalls(changes)
    applied = [apply(change, actions) for change in changes]
    left = [each.change for each in applied if each.change is not None]
    return TakenCalls(left, len(changes) - len(left), tuple(chain.from_iterable(each.problems for each in applied)))


def _turns(draft: Draft, actions: Actions) -> list[Turn]:
    turns: list[Turn] = []
    for action in actions.own:
        turns.append(_turn(action, draft, own=True))
        if turns[-1].outcome == "ignored":
            return turns
    replaced = {turn.action.effect.name for turn in turns if turn.outcome != NOT_MEANT}
    return turns + [_default(action, draft, replaced) for action in actions.defaults]


def _default(action: Action, draft: Draft, replaced: Collection[str]) -> Turn:
    if action.effect.name not in replaced or not action.when.fits(draft.call):
        return _turn(action, draft, own=False)
    return Turn(action, False, "passed over")


def _turn(action: Action, draft: Draft, *, own: bool) -> Turn:
    if not action.when.fits(draft.call):
        return Turn(action, own, NOT_MEANT)
    if action.effect.name == IGNORE:
        return Turn(action, own, "ignored")
    try:
        action.effect.do(draft, action.values(draft.call))
    except UnreadableError as error:
        return Turn(action, own, "not done", str(error))
    return Turn(action, own, "done")


def _problems(turns: Sequence[Turn], key: str) -> tuple[Problem, ...]:
    failed = (turn for turn in turns if turn.own and turn.outcome == "not done")
    return tuple(Problem("action", key, _sentence(turn)) for turn in failed)


def _sentence(turn: Turn) -> str:
    return f"{turn.action.name} ({turn.action.effect.name}) is not done: {turn.fault}"
