"""How much the searches look at: property tests, random lives, random orders. Said here, once for all.

Each run of the suite looks at the same few cases of each. SEARCH_TIMES=20 looks at 20 times as many, and where
FAULT_SEED is set (tests/moments.py) each run looks at other ones. `pytest -m "search or hypothesis"` runs the searches.
"""

import os

from hypothesis import HealthCheck, settings

from tests import moments

_TIMES = float(os.environ.get("SEARCH_TIMES", "1"))
SAME_ONES = not moments.SEED and _TIMES == 1
"""Whether each run looks at the same cases."""
_USUAL = 15


def examples(few: int = _USUAL) -> int:
    """How many examples a search looks at, where each run of the suite looks at `few`."""
    return max(1, round(few * _TIMES))


def seeds(few: int) -> range:
    """The seeds of what is drawn by lot, where each run of the suite takes `few`."""
    return range(1, examples(few) + 1)


def crowd(few: int, many: int) -> int:
    """How many users a fault is played among: `few` where each run plays it at the same moments, else `many`."""
    return few if SAME_ONES else many


def searching(few: int) -> settings:
    """Hypothesis' settings for a search over the whole product, whose fixtures are used again for each example."""
    return settings(max_examples=examples(few), suppress_health_check=list(HealthCheck))


def keep_to_it() -> None:
    """Makes hypothesis keep to the budget in every property test that says nothing else."""
    settings.register_profile(
        "budget",
        max_examples=examples(),
        derandomize=SAME_ONES,
        database=None,  # two runs at once would share it
        deadline=None,  # a busy machine would make it a matter of luck
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("budget")
