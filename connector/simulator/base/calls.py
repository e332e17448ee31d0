"""The calls a simulator has answered: the last ones in full, all of them in numbers."""

from collections import Counter, deque
from dataclasses import dataclass

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """One request and its answer. `status` is 0 where the connection was cut; `fault` names the rule that answered."""

    endpoint: str
    method: str
    items: int
    bytes: int
    status: int
    milliseconds: float
    at: float
    fault: str | None


class Calls:
    """A ring of the last calls, and counts of all."""

    def __init__(self) -> None:
        self.total = 0
        self.items = 0
        self.by_status: Counter[str] = Counter()
        self.last: deque[AnsweredCall] = deque(maxlen=KEPT)

    def add(self, call: AnsweredCall) -> None:
        """Remembers a call."""
        self.total += 1
        self.items += call.items
        self.by_status[str(call.status) if call.status else "dropped"] += 1
        self.last.append(call)
