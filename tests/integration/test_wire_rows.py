"""What comes from each source system, in its own form, is what Customer.io is asked for and holds (tests/wire).

Each case is played in both regions, at the hosts of the region; one message a request, and all in one batch.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.store.opening import Store
from tests.wire import CASES
from tests.wire.case import Case
from tests.wire.regions import HOSTS, REGIONS, Regions, both_regions
from tests.wire.stage import Stage, check

MANNERS = {"one by one": False, "together": True}


@pytest.fixture(scope="module")
def regions() -> Iterator[Regions]:
    with both_regions() as found:
        yield found


@pytest.fixture(scope="module")
def stage(regions: Regions, _migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("wire")
    path = folder / "connector.db"
    path.write_bytes(_migrated_file.read_bytes())
    store = Store(f"sqlite:///{path}")
    stage = Stage(store, regions, folder)
    yield stage
    stage.close()
    store.close()


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_sent_is_what_customer_io_is_asked_for_and_holds(
    stage: Stage, case: Case, manner: str, region: str
) -> None:
    played = stage.play(case, region, together=MANNERS[manner])
    check(case, played, HOSTS[region][0], together=MANNERS[manner])
