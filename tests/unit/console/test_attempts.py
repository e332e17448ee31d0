import pytest

from connector.console.attempts import (
    FIRST_WAIT_SECONDS,
    FREE_ATTEMPTS,
    LONGEST_WAIT_OF_A_NAME_SECONDS,
    LONGEST_WAIT_SECONDS,
    WINDOW_SECONDS,
    Attempts,
)

NOW = 1_000_000.0


def failed(attempts: Attempts, times: int, name: str = "ada", address: str = "192.0.2.1", now: float = NOW) -> None:
    for _ in range(times):
        attempts.begin(name, address, now)


def test_some_attempts_are_free_and_the_next_has_to_wait() -> None:
    attempts = Attempts()
    failed(attempts, FREE_ATTEMPTS - 1)
    assert attempts.wait("ada", "192.0.2.1", NOW) == 0
    failed(attempts, 1)
    assert attempts.wait("ada", "192.0.2.1", NOW) == FIRST_WAIT_SECONDS
    assert attempts.wait("ada", "192.0.2.1", NOW + FIRST_WAIT_SECONDS) == 0


def test_a_name_and_an_address_wait_each_for_itself() -> None:
    attempts = Attempts()
    failed(attempts, FREE_ATTEMPTS)
    assert attempts.wait("ada", "192.0.2.2", NOW) > 0
    assert attempts.wait("eve", "192.0.2.1", NOW) > 0
    assert attempts.wait("eve", "192.0.2.2", NOW) == 0


def test_each_wait_is_twice_the_one_before_up_to_a_bound() -> None:
    attempts = Attempts()
    failed(attempts, FREE_ATTEMPTS)
    waits, now = [], NOW
    for _ in range(12):
        waits.append(attempts.wait("another", "192.0.2.1", now))
        now += waits[-1]
        attempts.begin("another", "192.0.2.1", now)
    assert waits[:3] == [30, 60, 120]
    assert max(waits) == LONGEST_WAIT_SECONDS


def test_a_name_waits_less_long_so_that_nobody_can_be_kept_out() -> None:
    attempts = Attempts()
    for number in range(100):
        attempts.begin("ada", f"192.0.2.{number}", NOW)
    assert attempts.wait("ada", "198.51.100.1", NOW) == LONGEST_WAIT_OF_A_NAME_SECONDS


def test_what_failed_long_ago_no_longer_counts() -> None:
    attempts = Attempts()
    failed(attempts, FREE_ATTEMPTS - 1)
    failed(attempts, 1, now=NOW + WINDOW_SECONDS + 1)
    assert attempts.wait("ada", "192.0.2.1", NOW + WINDOW_SECONDS + 1) == 0


def test_one_own_success_does_not_free_an_address_for_attempts_at_other_names() -> None:
    attempts = Attempts()
    for _ in range(FREE_ATTEMPTS):
        failed(attempts, 1, name="ada")
        attempts.begin("eve", "192.0.2.1", NOW)
        attempts.succeeded("eve", "192.0.2.1")
    assert attempts.wait("somebody", "192.0.2.1", NOW) > 0


def test_many_names_and_addresses_take_a_bounded_memory() -> None:
    attempts = Attempts(most_keys=100)
    for number in range(1000):
        attempts.begin(f"name {number}", f"address {number}", NOW)
    assert len(attempts._failures) == 100


@pytest.mark.parametrize(("apart", "waits"), [(WINDOW_SECONDS - 1, True), (WINDOW_SECONDS + 1, False)])
def test_failures_add_up_while_each_comes_within_the_window_of_the_one_before(apart: float, waits: bool) -> None:
    attempts = Attempts()
    moments = [NOW + apart * number for number in range(FREE_ATTEMPTS)]
    for now in moments:
        attempts.begin("ada", "192.0.2.1", now)
    assert (attempts.wait("ada", "192.0.2.1", moments[-1]) > 0) is waits
