"""`make soak` takes turns, counts, and says how to repeat what failed."""

import subprocess
import sys
from random import Random

import pytest

from tests.processes import ROOT
from tests.soak import replies
from tests.soak.__main__ import Soak
from tests.soak.turns import FAULTS, Faults, Turn, collected, fault

_SECONDS = 300.0


def test_the_fuzzers_run_for_seconds_and_say_how_many_inputs_they_made() -> None:
    only = [word for name in ("formats", "replies") for word in ("--only", name)]
    command = [sys.executable, "-m", "tests.soak", "--minutes", "0.01", "--seed", "1", *only]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    summary = [line.split() for line in done.stdout.partition("inputs and moments:")[2].splitlines()]
    counts = {words[1]: int(words[0].replace(",", "")) for words in summary if words and words[0][0].isdigit()}
    assert counts["formats"] >= 60
    assert counts["replies"] >= 1
    assert "nothing failed" in done.stdout


def test_what_fails_is_told_with_how_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = Soak()
    found.take(Turn("faults", 7, (sys.executable, "-c", "print('inputs: 3'); 1 / 0"), {"FAULT_SEED": "7"}))

    assert "ZeroDivisionError" in capsys.readouterr().out
    assert "FAILED  FAULT_SEED=7 .venv/bin/python -c 'print(" in found.told()
    assert found.counts["faults"] == 3


def test_every_fault_comes_before_one_comes_twice() -> None:
    tests = [f"tests/faults/test_{file}.py::test_number_{n}[1]" for file in ("a", "b") for n in range(5)]
    faults, random = Faults(tests), Random(1)

    taken = [test for _ in range(4) for test in faults(random, 0.0).command if "::" in test]

    assert sorted(taken) == sorted(tests)
    assert fault(tests[0]) == "number 0"


def test_every_test_of_a_fault_has_its_turns() -> None:
    tests = collected()

    assert len(tests) > 40
    assert {test.partition("::")[0] for test in tests} == {
        str(path.relative_to(ROOT)) for path in ROOT.glob(f"{FAULTS}/test_*.py")
    }


def test_a_lie_that_nobody_could_find_out_is_told_only_of_what_was_taken() -> None:
    random = Random(3)
    lies = [replies.lie(random, items=4) for _ in range(1000)]

    assert all(each.applied for each in lies if replies.believable(each.status, each.body, 4))
    assert {each.status for each in lies} >= set(replies.STATUSES)
    assert sum(each.error is not None for each in lies) > 90
