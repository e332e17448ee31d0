"""What takes turns in a soak: each a command with a seed, by which it can be repeated."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.processes import ROOT
from tests.soak.fuzz import NAMES

ORACLE = "tests/integration/test_oracle_property.py"
FAULTS = "tests/faults"
FAULTS_AT_ONCE = 3
EXAMPLES_A_SECOND = 4
"""Random scenarios that the oracle's test gets through, all kinds of exit together."""
_EXAMPLES, _KINDS_OF_EXIT = 40, 3
"""How many of each kind it looks at by itself (tests/budget.py)."""
_INPUTS = re.compile(r"^inputs: (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Turn:
    """One command. counts: what it adds to the summary where it succeeds; None: it prints `inputs: N` itself."""

    name: str
    seed: int
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] | None = None

    @property
    def again(self) -> str:
        """What to type to repeat it."""
        settings = [f"{name}={value}" for name, value in self.environ.items()]
        return " ".join((*settings, ".venv/bin/python", *(_quoted(each) for each in self.command[1:])))

    def counted(self, output: str) -> Mapping[str, int]:
        """How many inputs or moments it was, by name."""
        if self.counts is not None:
            return self.counts
        return {self.name: sum(map(int, _INPUTS.findall(output)))}


def _quoted(word: str) -> str:
    return f"'{word}'" if set(word) & set("[] ()'\"") else word


def fuzzer(name: str) -> Callable[[Random, float], Turn]:
    """A fuzzer of tests/soak, for so many seconds."""

    def turn(random: Random, seconds: float) -> Turn:
        seed = random.randrange(10**6)
        module = (sys.executable, "-m", "tests.soak.fuzz", name, f"{seconds:.0f}", str(seed))
        return Turn(name, seed, module)

    return turn


def oracle(random: Random, seconds: float) -> Turn:
    """The oracle's property with new examples."""
    seed = random.randrange(10**6)
    times = max(0.1, round(seconds * EXAMPLES_A_SECOND / (_EXAMPLES * _KINDS_OF_EXIT), 1))
    command = (sys.executable, "-m", "pytest", "-q", f"--hypothesis-seed={seed}", ORACLE)
    environ = {"SEARCH_TIMES": str(times), "FAULT_SEED": str(seed)}
    return Turn("oracle", seed, command, environ, {"oracle": round(_EXAMPLES * times) * _KINDS_OF_EXIT})


@dataclass
class Faults:
    """The tests of faults, some at a time, at moments that the seed says; all come before one comes twice."""

    tests: list[str]
    waiting: list[str] = field(default_factory=list)

    def __call__(self, random: Random, _: float) -> Turn:
        """The next ones: of one file, so that they share its servers."""
        if not self.waiting:
            self.waiting = random.sample(self.tests, len(self.tests))
        first = self.waiting[0]
        same = [test for test in self.waiting if _file(test) == _file(first)][:FAULTS_AT_ONCE]
        self.waiting = [test for test in self.waiting if test not in same]
        seed = random.randrange(10**6)
        counts = {f"{_file(test)}: {fault(test)}": 0 for test in same}
        for test in same:
            counts[f"{_file(test)}: {fault(test)}"] += 1
        return Turn("faults", seed, (sys.executable, "-m", "pytest", "-q", *same), {"FAULT_SEED": str(seed)}, counts)


def _file(test: str) -> str:
    return Path(test.partition("::")[0]).stem.removeprefix("test_")


def fault(test: str) -> str:
    """A test's name in words, without its parameters."""
    return test.rpartition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")


def collected(path: str = FAULTS) -> list[str]:
    """Every test under a path, as pytest names them."""
    plain = ("-o", "addopts=--import-mode=importlib")  # a line for each test, whatever else the settings ask for
    command = [sys.executable, "-m", "pytest", *plain, "--collect-only", "-q", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "::" in line]


def all_kinds() -> dict[str, Callable[[Random, float], Turn]]:
    """Whoever takes turns, by name."""
    return {**{name: fuzzer(name) for name in NAMES}, "oracle": oracle, "faults": Faults(collected())}
