"""When a fault comes: at the moment that a test names, or, where FAULT_SEED is set, at any other one.

`make soak` sets FAULT_SEED, a new one each time, and prints it: the same seed plays the same moments again.
"""

import os
from itertools import count
from random import Random

SEED = os.environ.get("FAULT_SEED", "")
_numbers = count()


def moment(usual: int, most: int) -> int:
    """How much must have happened before the fault comes: `usual`, or with a seed anything from 1 to `most`."""
    return Random(f"{SEED} {next(_numbers)}").randint(1, most) if SEED else usual


def chance(seed: int) -> Random:
    """What a test draws lots with: the same in each run, or with FAULT_SEED others."""
    return Random(f"{SEED} {seed}") if SEED else Random(seed)
