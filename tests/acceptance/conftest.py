"""A simulated Customer.io for the commands, started once and emptied for each test that uses it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.processes import simulator, violations


@pytest.fixture(scope="session")
def running_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulator(tmp_path_factory.mktemp("simulator")) as url:
        yield url


@pytest.fixture
def customerio(running_simulator: str) -> Iterator[str]:
    """The URL of an empty simulator."""
    httpx.post(f"{running_simulator}/_simulator/reset").raise_for_status()
    yield running_simulator
    assert violations(running_simulator) == []
