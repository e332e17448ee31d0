"""What comes from each source system, in its own form, is what Customer.io is asked for and holds (tests/wire).

Each case is played in both regions, at the hosts of the region; one message a request, and all in one batch.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connector.simulator.events import is_ulid
from connector.store.opening import Store
from tests.wire import CASES
from tests.wire.case import Case, Json
from tests.wire.regions import REGIONS, TRACK, Regions, both_regions
from tests.wire.stage import Played, Stage, in_order

MANNERS = {"one by one": False, "together": True}


@pytest.fixture(scope="module")
def regions() -> Iterator[Regions]:
    with both_regions() as found:
        yield found


def _in_no_fear(connection: Any, _: Any) -> None:
    """Nobody pulls the plug here: waiting for the disk would be most of the time."""
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="module")
def stage(regions: Regions, _migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("wire")
    path = folder / "connector.db"
    path.write_bytes(_migrated_file.read_bytes())
    store = Store(f"sqlite:///{path}")
    event.listen(store.engine, "connect", _in_no_fear)
    stage = Stage(store, regions, folder)
    yield stage
    stage.close()
    store.close()


def by_person(operations: Sequence[Json]) -> dict[str, list[Json]]:
    """The operations of each person in their order: of several people in one batch no order is promised."""
    found: dict[str, list[Json]] = {}
    for each in operations:
        found.setdefault(json.dumps(each.get("identifiers"), sort_keys=True), []).append(each)
    return found


def check(case: Case, played: Played, host: str, *, together: bool) -> None:
    """Fails where a play was not as the case says."""
    assert by_person(played.operations) == by_person(case.must_send(together=together))
    assert list(played.holds) == in_order(case.must_hold(together=together))
    assert sorted(played.anonymous, key=str) == sorted(case.anonymous, key=str)
    told = [(kind, subject) for kind, subject, _ in played.problems]
    assert told == [(kind, subject) for kind, subject, _ in case.problems], played.problems
    for (_, _, reason), (_, _, beginning) in zip(played.problems, case.problems, strict=True):
        assert reason.startswith(beginning)
    assert {(one.url.host, one.status) for one in played.requests} <= {(host, 200)}
    assert all(
        one.url.path == ("/api/v2/batch" if "batch" in one.body else "/api/v1/events") for one in played.requests
    )
    assert all(map(is_ulid, played.event_ids))
    assert len(set(played.event_ids)) == len(played.event_ids)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_sent_is_what_customer_io_is_asked_for_and_holds(
    stage: Stage, case: Case, manner: str, region: str
) -> None:
    played = stage.play(case, region, together=MANNERS[manner])
    check(case, played, TRACK[region], together=MANNERS[manner])
