"""`make soak MINUTES=60`: faults at random moments, properties with more examples and fuzzers, in turn, with new seeds.

Each line names its seed; at the end stands how many inputs and moments there were, and how to repeat what failed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random, SystemRandom

from tests.processes import ROOT
from tests.soak.turns import Turn, all_kinds

TURN_SECONDS = 30.0
_LONGEST_SECONDS = 1800.0
_SHOWN_LINES = 25


@dataclass
class Soak:
    """What came of it so far."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: list[Turn] = field(default_factory=list)

    def take(self, turn: Turn) -> None:
        """Runs one turn, and says so."""
        began = time.monotonic()
        print(f"{time.strftime('%H:%M:%S')} {turn.name}, seed {turn.seed}", flush=True)
        output, succeeded = _run(turn)
        counted = turn.counted(output)
        self.counts.update(counted)
        seconds = time.monotonic() - began
        if succeeded:
            print(f"    {sum(counted.values()):,} in {seconds:.0f} s", flush=True)
            return
        self.failed.append(turn)
        tail = "\n".join(f"    {line[:300]}" for line in output.splitlines()[-_SHOWN_LINES:])
        print(f"    FAILED after {seconds:.0f} s; again: {turn.again}\n{tail}", flush=True)

    def told(self) -> str:
        """The summary."""
        lines = [f"{count:>10,}  {name}" for name, count in sorted(self.counts.items())]
        failures = [f"FAILED  {turn.again}" for turn in self.failed] or ["nothing failed"]
        return "\n".join(("", "inputs and moments:", *lines, "", *failures))


def _run(turn: Turn) -> tuple[str, bool]:
    """What a turn said, and whether it succeeded. One that does not end has failed."""
    environ = {**os.environ, **turn.environ}
    try:
        done = subprocess.run(
            turn.command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=_LONGEST_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return f"{late.stdout or ''}\nit did not end within {_LONGEST_SECONDS:.0f} s", False
    return done.stdout, done.returncode == 0


def soak(minutes: float, seed: int, only: list[str]) -> Soak:
    """Takes turns until the time is over; everybody at least once."""
    random, found = Random(seed), Soak()
    kinds = {name: turn for name, turn in all_kinds().items() if not only or name in only}
    end, rounds = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end or not rounds:
        for turn in kinds.values():
            left = max(1.0, end - time.monotonic())
            if rounds and left <= 1.0:
                break
            found.take(turn(random, min(TURN_SECONDS, left)))
        rounds += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for how long")
    parser.add_argument("--seed", type=int, default=None, help="of the seeds; a new one by default")
    parser.add_argument("--only", action="append", default=[], choices=list(all_kinds()), help="repeatable")
    given = parser.parse_args()
    seed = SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}, {given.minutes:g} minutes", flush=True)
    found = soak(given.minutes, seed, given.only)
    print(found.told())
    sys.exit(1 if found.failed else 0)


if __name__ == "__main__":
    main()
