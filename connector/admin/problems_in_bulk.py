"""Many problems at once: replayed or discarded, at a pace, until somebody stops it.

What is done is gone from the list, so running it again goes on with what is left. A problem that comes again meanwhile
is not tried twice.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from connector.admin import problems as one
from connector.errors import ConnectorError, StoreError
from connector.runtime import Runtime
from connector.store import problems
from connector.store.engine import Store
from connector.store.problems import Kept

AT_ONCE = 100
DONE, NOT_DONE = "done", "not done"
Remedy = Callable[[Kept], object]


@dataclass(frozen=True, slots=True)
class WhichProblems:
    """Which are meant: of a kind ("" for all), that came last at `since` or after it, and before `until`."""

    kind: str
    since: float
    until: float


def which(store: Store, kind: str, lately: float) -> tuple[WhichProblems, int]:
    """Returns which problems are meant, of the last so many seconds (0 for all), and how many these are."""
    with store.reading(patient=True) as tx:
        now = store.now(tx)
        meant = WhichProblems(kind, now - lately if lately else 0.0, now)
        return meant, problems.count(tx, meant.kind, meant.since, meant.until)


def remedies(runtime: Runtime, format: str = "") -> dict[str, Remedy]:
    """Returns what can be done with a problem, by the name of the command."""
    return {
        "replay": lambda kept: one.replay(runtime, kept, format),
        "discard": lambda kept: one.discard(runtime, kept),
    }


def each(
    runtime: Runtime,
    meant: WhichProblems,
    remedy: Remedy,
    per_second: float,
    report: Callable[[Counter[str]], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Counter[str]:
    """Does it with each of the problems, one after the other.

    Args:
        runtime: What this program has open.
        meant: Which problems.
        remedy: What is done with each; a ConnectorError leaves that one in the list.
        per_second: How many a second at the most.
        report: Is told after each problem how many are done and how many are not.
        sleep: How to wait.

    Returns:
        How many are done, how many are not, and why by the kind.

    Raises:
        StoreError: The store is away.
    """
    counts: Counter[str] = Counter()
    last, began = "", time.monotonic()
    while page := _page(runtime.store, meant, last):
        for kept in page:
            sleep(max(0.0, began + counts.total() / per_second - time.monotonic()))
            counts[_tried(remedy, kept)] += 1
            report(counts)
        last = page[-1].id
    return counts


def _page(store: Store, meant: WhichProblems, after: str) -> list[Kept]:
    with store.reading() as tx:
        return problems.page(tx, meant.kind, meant.since, meant.until, after, AT_ONCE)


def _tried(remedy: Remedy, kept: Kept) -> str:
    try:
        remedy(kept)
    except StoreError:
        raise
    except ConnectorError:
        return f"{NOT_DONE}: {kept.problem.kind}"
    return DONE
