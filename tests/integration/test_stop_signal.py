"""A program is told to stop by a signal, at whatever moment it comes."""

import signal
import subprocess
import sys

import pytest

from connector.stop_signal import StopSignal

# Each round is interrupted a few microseconds later than the one before, at every place of `wait`: with an event of
# `threading` in its place this stands still within a few hundred rounds.
_ROUNDS = """
import signal
from connector.stop_signal import StopSignal

for number in range(2_000):
    stop = StopSignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 20e-6 + number % 40 * 1e-6)
    while not stop.wait(0):
        pass
print("stopped each time")
"""


def test_a_signal_in_the_middle_of_the_wait_for_it_ends_the_wait() -> None:
    done = subprocess.run([sys.executable, "-c", _ROUNDS], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("stopped each time\n", "")


@pytest.fixture
def _handlers_come_back() -> object:
    kept = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers_come_back")
def test_one_signal_is_kept_and_a_second_one_changes_nothing() -> None:
    stop = StopSignal(signal.SIGUSR1, signal.SIGUSR2)
    assert not stop.wait(0)
    signal.raise_signal(signal.SIGUSR2)
    assert stop.wait()
    signal.raise_signal(signal.SIGUSR1)
    assert stop.wait(0)
    assert stop.wait(1.0)
