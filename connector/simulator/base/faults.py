"""Faults to order: rules that say which calls go wrong and how (docs/customerio.md#the-simulator)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from connector.errors import UnreadableError
from connector.simulator.base.limits import Wrong

_NUMBERS = ("status", "retry_after", "latency", "probability", "seed", "times", "after", "rate_limit", "drip", "size")
_KEYS = frozenset({*_NUMBERS, "path", "containing", "body", "headers", "drop", "items", "packed"})
MOST_BYTES = 10_000_000_000


@dataclass(slots=True)
class Rule:
    """One rule as it was ordered, and how often it matched and fired since."""

    order: Mapping[str, Any]
    matched: int = 0
    fired: int = 0
    random: Random = field(default_factory=Random)
    recent: deque[float] = field(default_factory=deque)

    @property
    def answers(self) -> bool:
        """Says whether the rule decides the answer; others only delay it or refuse items."""
        return any(key in self.order for key in ("status", "drop", "rate_limit"))

    def matches(self, path: str, body: bytes) -> bool:
        """Says whether the rule is about this call.

        Its path is a glob if it has a star, else a prefix; its `containing` is a part of the request's body. Without
        one it is about all.
        """
        wanted = str(self.order.get("path", ""))
        found = fnmatchcase(path, wanted) if "*" in wanted else path.startswith(wanted)
        return found and str(self.order.get("containing", "")).encode() in body

    def fires(self, now: float) -> bool:
        """Counts a matching call (or item) and decides whether it is hit."""
        self.matched += 1
        order = self.order
        if self.matched <= order.get("after", 0) or self.fired >= order.get("times", self.fired + 1):
            return False
        if "rate_limit" in order and not self._is_over(order["rate_limit"], now):
            return False
        if "probability" in order and self.random.random() >= order["probability"]:
            return False
        self.fired += 1
        return True

    def _is_over(self, limit: int, now: float) -> bool:
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        if len(self.recent) >= limit:
            return True
        self.recent.append(now)
        return False


@dataclass(frozen=True, slots=True)
class FaultDecision:
    """What the rules make of one call: how long it waits, which rule answers it, which refuse some of its items."""

    latency: float = 0.0
    answer: Rule | None = None
    refusing: tuple[Rule, ...] = ()


NOTHING = FaultDecision()


class Faults:
    """The rules in force, in order: the first that answers, answers."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def replace(self, orders: Any) -> None:
        """Puts these rules in place of the present ones; UnreadableError says what is wrong, and nothing changes."""
        if not isinstance(orders, list):
            raise UnreadableError("faults must be a list of rules")
        self.rules = [_rule(order) for order in orders]

    def decide(self, path: str, now: float, body: bytes = b"") -> FaultDecision:
        """Decides what happens to a call."""
        if not self.rules:
            return NOTHING
        matching = [rule for rule in self.rules if rule.matches(path, body)]
        refusing = tuple(rule for rule in matching if "items" in rule.order)
        latency = 0.0
        for rule in matching:
            if "items" in rule.order or not rule.fires(now):
                continue
            latency += rule.order.get("latency", 0.0)
            if rule.answers:
                return FaultDecision(latency, rule, refusing)
        return FaultDecision(latency, None, refusing)


def refusal(item: Mapping[str, Any], rules: tuple[Rule, ...], now: float) -> tuple[Wrong, ...]:
    """Returns the reason to refuse one item whose identifiers contain what a rule looks for."""
    for rule in rules:
        if str(rule.order["items"]) in _names(item) and rule.fires(now):
            return (Wrong("invalid", "identifiers", "refused by a rule of the simulator"),)
    return ()


def _names(item: Mapping[str, Any]) -> str:
    related = item.get("cio_relationships")
    inner = [each.get("identifiers") for each in related if isinstance(each, dict)] if isinstance(related, list) else []
    named = [*(item.get(key) for key in ("identifiers", "primary", "secondary")), *inner]
    return "\n".join(str(value) for names in named if isinstance(names, dict) for value in names.values())


def _rule(order: Any) -> Rule:
    if not isinstance(order, dict):
        raise UnreadableError("a fault must be an object")
    unknown = sorted(order.keys() - _KEYS)
    if unknown:
        raise UnreadableError(f"a fault knows no {', '.join(unknown)}; it knows {', '.join(sorted(_KEYS))}")
    if order.get("drop", "before") not in ("before", "after"):
        raise UnreadableError("drop must be before or after")
    for key in _NUMBERS:
        if key in order and (isinstance(order[key], bool) or not isinstance(order[key], int | float)):
            raise UnreadableError(f"{key} must be a number")
    if order.get("drip", 0) < 0 or not 0 <= order.get("size", 0) <= MOST_BYTES:
        raise UnreadableError(f"drip must be seconds, and size bytes, up to {MOST_BYTES:,}")
    if not 200 <= order.get("status", 200) <= 599 or not isinstance(order.get("headers", {}), dict):
        raise UnreadableError("status must be from 200 to 599 and headers an object")
    return Rule(order, random=Random(order.get("seed", 0)))
