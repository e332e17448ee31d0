"""Many problems at once: replayed or discarded, at a pace, until somebody stops it.

What is done is gone from the list, so running it again goes on with what is left. A problem that comes again meanwhile
is not tried twice.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from connector.admin import problems as one
from connector.errors import ConnectorError, StoreError
from connector.model.problem_filter import ProblemFilter
from connector.runtime import Runtime
from connector.store import problems
from connector.store.engine import Store
from connector.store.problems import Kept

AT_ONCE = 100
DONE, NOT_DONE = "done", "not done"
Remedy = Callable[[Kept], object]


def which(store: Store, asked: ProblemFilter, lately: float = 0.0) -> tuple[ProblemFilter, int]:
    """Returns which problems are meant, of the last so many seconds (0: as asked for), and how many these are.

    What comes from now on is not meant.
    """
    with store.reading(patient=True) as tx:
        now = store.now(tx)
        until = now if asked.until is None else min(asked.until, now)
        meant = replace(asked, since=max(asked.since, now - lately if lately else 0.0), until=until)
        return meant, problems.count(tx, meant)


def remedies(runtime: Runtime, format: str = "") -> dict[str, Remedy]:
    """Returns what can be done with a problem, by the name of the command."""
    return {
        "replay": lambda kept: one.replay(runtime, kept, format),
        "discard": lambda kept: one.discard(runtime, kept),
    }


def each(
    runtime: Runtime,
    meant: ProblemFilter,
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


def _page(store: Store, meant: ProblemFilter, after: str) -> list[Kept]:
    with store.reading() as tx:
        return problems.page(tx, meant, after, AT_ONCE)


def _tried(remedy: Remedy, kept: Kept) -> str:
    try:
        remedy(kept)
    except StoreError:
        raise
    except ConnectorError:
        return f"{NOT_DONE}: {kept.problem.kind}"
    return DONE
