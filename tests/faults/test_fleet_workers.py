"""Workers of a fleet that die, stand still, end and start while changes flow: nothing is lost, nothing doubled."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.budget import seeds
from tests.fleet import CHILD_KILLED, LEASE_SECONDS, PUBLISHERS, SLOW_PACE, Fleet, Program
from tests.lives import lives, one_life, shared_out, shuffled
from tests.moments import chance

BATCH = "/api/v2/batch"
SHIFTED_CLOCK = """
import os, sys, time
_shift, _time = float(os.environ["SHIFT_SECONDS"]), time.time
time.time = lambda: _time() + _shift
time.time_ns = lambda: int(time.time() * 1e9)
print(f"this clock is off by {_shift:g} s", file=sys.stderr, flush=True)
"""


def test_a_fleet_on_good_days_brings_everybody_there(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    fleet.check(told)


# --- death -----------------------------------------------------------------------------------------------------------


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(1))
def test_workers_killed_at_any_moment_lose_and_double_nothing(fleet: Fleet, prefix: str, seed: int) -> None:
    random = chance(seed)
    told = lives(prefix, seed=seed)
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        for _ in range(5):
            fleet.until_sent(random.randint(1, 600))
            victim = fleet.remove(random.choice(fleet.workers))
            victim.kill()
            fleet.start_worker()
    fleet.check(told)


def test_children_of_the_pool_killed_at_any_moment_lose_and_double_nothing(fleet: Fleet, prefix: str) -> None:
    random = chance(4)
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE):
        for _ in range(6):
            time.sleep(random.uniform(0.5, 1.2))  # it takes the worker a moment to have new ones
            for worker in fleet.workers:
                _kill_children(worker)
    fleet.check(told, errors=CHILD_KILLED)


def test_a_worker_killed_after_a_child_of_it_was_leaves_no_message_behind(fleet: Fleet, prefix: str) -> None:
    """A child that was started again holds copies of what its worker had open."""
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        fleet.until_sent(300)
        victim = fleet.remove(fleet.workers[0])
        _kill_children(victim)
        fleet.until_sent(600)
        victim.kill()
        fleet.start_worker()
    fleet.check(told, errors=CHILD_KILLED)


def _kill_children(worker: Program) -> None:
    for child in worker.children:
        os.kill(child, signal.SIGKILL)


# --- orderly ends ----------------------------------------------------------------------------------------------------


def test_all_workers_restarted_in_the_middle_lose_and_double_nothing(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        for _ in range(2):
            fleet.until_sent(800)
            fleet.until_ready()
            assert fleet.end_workers() == [0, 0]
            fleet.start_worker()
            fleet.start_worker()
    fleet.check(told)


# --- standing still --------------------------------------------------------------------------------------------------


def test_a_worker_that_stood_still_for_longer_than_its_lease_does_no_harm(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    fleet.simulator.go_wrong({"latency": 0.2})  # so that a request is on its way at any moment
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        fleet.until_sent(300)
        stopped = fleet.workers[0]
        stopped.send(signal.SIGSTOP, whole=True)
        time.sleep(LEASE_SECONDS + 1)
        stopped.send(signal.SIGCONT, whole=True)
        fleet.simulator.go_wrong()
    assert fleet.remove(stopped).end() == 0  # so that whatever it does late is done before anybody looks
    fleet.check(told)


# --- order, repeats, clocks ------------------------------------------------------------------------------------------


def test_the_same_message_published_three_times_counts_once(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix, users=200)
    with fleet.flowing(told, shuffled(told, 1), shuffled(told, 2)):
        pass
    fleet.check(told)


def test_of_one_person_changed_200_times_by_four_publishers_the_last_change_wins(fleet: Fleet, prefix: str) -> None:
    one, others = one_life(f"{prefix}-one", 200), lives(prefix)
    parts = shared_out(shuffled(one), PUBLISHERS)
    with fleet.flowing(*parts, *shared_out(others, PUBLISHERS), pace=200.0):
        pass
    fleet.check([*one, *others])
    assert fleet.simulator.people()[f"{prefix}-one"]["plan"] == "plan 199"
    assert len(fleet.simulator.events(f"{prefix}-one")) == 200


def test_two_beats_do_no_harm(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    second = fleet.start_beat()
    second.until_it_says("Sending due task")
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    fleet.check(told)
    fleet.remove(second).clear_away()


def test_clocks_of_workers_that_differ_by_minutes_do_no_harm(fleet: Fleet, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    told = lives(prefix)
    fleet.dismiss()
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    for seconds in ("-600", "600"):
        fleet.start_worker(PYTHONPATH=path, SHIFT_SECONDS=seconds).until_it_says(f"this clock is off by {seconds} s")
    fleet.start_beat()
    fleet.until_ready()
    fleet.simulator.go_wrong({"path": BATCH, "status": 503, "probability": 0.3, "seed": 1, "times": 6})
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        fleet.until_sent(1000)
        fleet.remove(fleet.workers[1]).kill()  # so that what it has leased, by its clock, is left to the other one
    fleet.check(told)
    fleet.dismiss()
