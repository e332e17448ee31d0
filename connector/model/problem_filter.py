"""The choice of problems where many are listed, replayed or discarded."""

from dataclasses import asdict, dataclass

from pydantic_core import from_json, to_json


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """A choice of problems: those that match every part; "" matches any.

    kind, sync, subject: as the problems have them; cause: the id of what they have in common; since, until: when they
    came last, in unix seconds, both inclusive; until is None for any time.
    """

    kind: str = ""
    sync: str = ""
    subject: str = ""
    cause: str = ""
    since: float = 0.0
    until: float | None = None

    def text(self) -> str:
        """Returns it as JSON."""
        return to_json(asdict(self)).decode()

    @classmethod
    def of(cls, text: str) -> "ProblemFilter":
        """Returns the filter that `text` wrote as JSON."""
        return cls(**from_json(text))


ANYTHING = ProblemFilter()
"""All problems there are."""
