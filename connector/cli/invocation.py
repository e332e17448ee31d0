"""What the parts of a command know of one another while it runs."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Invocation:
    """One call of a command.

    settings: those that it has loaded, by their file. declined: a human was asked, and said no. job: the id of the job
    that was started and is left to workers, "" for none.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    declined: bool = False
    job: str = ""


CURRENT: ContextVar[Invocation | None] = ContextVar("invocation", default=None)
