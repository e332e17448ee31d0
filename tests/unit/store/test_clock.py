"""The clock of the store never goes back, and never stands still for long, however the machine's is set."""

from hypothesis import given
from hypothesis import strategies as st

from connector.store.clock import RENEWED_SECONDS, Clock
from tests.build import thorough

STEPS = st.lists(st.tuples(st.floats(0.01, 30.0), st.just(0.0) | st.floats(-1000.0, 1000.0)), min_size=1, max_size=60)


def renewed(clock: Clock, machine: float) -> Clock:
    """As `clock.renew` writes it."""
    if clock.was_set_back(machine):
        return Clock(clock.seen - machine, machine, clock.seen)
    return clock._replace(seen=max(clock.seen, clock.now(machine))) if clock.is_stale(machine) else clock


@thorough
@given(STEPS)
def test_it_never_goes_back_and_goes_on_whatever_happens_to_the_machines(steps: list[tuple[float, float]]) -> None:
    clock, machine, before = Clock(), 1_800_000_000.0, 0.0
    for passed, jump in steps:
        machine += passed + jump
        clock = renewed(clock, machine)
        now = clock.now(machine)
        assert now >= before - RENEWED_SECONDS  # what was not kept yet may be lost
        assert clock.now(machine + 60.0) >= now + 60.0 * 0.9 - RENEWED_SECONDS
        before = max(before, now)


@thorough
@given(st.floats(10.0, 1000.0))
def test_what_it_is_helped_by_is_given_back_in_the_end(back: float) -> None:
    clock = renewed(Clock(seen=1_800_000_000.0), 1_800_000_000.0 - back)
    assert clock.now(1_800_000_000.0 - back) == 1_800_000_000.0
    later = 1_800_000_000.0 - back + back / 0.1 + 1.0
    assert clock.corrected(later) == later
