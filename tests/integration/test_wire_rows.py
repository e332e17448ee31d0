"""What comes from each source system, in its own form, is what Customer.io is asked for and holds (tests/wire).

Each case is played in both regions, at the hosts of the region; one message a request, and all in one batch.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connector.customerio.app_api import AppApi
from connector.customerio.region import Unknown, Workspace, read
from connector.customerio.track import Track
from connector.settings.connection import Connection
from connector.simulator.state.events import is_ulid
from connector.store.engine import Store
from tests.wire import CASES
from tests.wire.case import Case, Json, identify
from tests.wire.regions import APP, REGIONS, TRACK, Regions, both_regions, credentials
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
        who = each.get("identifiers") or each.get("primary")
        found.setdefault(json.dumps(who, sort_keys=True), []).append(each)
    return found


def check(case: Case, played: Played, host: str, *, together: bool) -> None:
    """Fails where a play was not as the case says."""
    assert by_person(played.operations) == by_person(case.must_send(together=together))
    assert list(played.holds) == in_order(case.must_hold(together=together))
    assert played.objects == case.objects_held(together=together)
    assert sorted(played.anonymous, key=str) == sorted(case.anonymous, key=str)
    told = [(kind, subject) for kind, subject, _ in played.problems]
    assert told == [(kind, subject) for kind, subject, _ in case.problems], played.problems
    for (_, _, reason), (_, _, beginning) in zip(played.problems, case.problems, strict=True):
        assert reason.startswith(beginning)
    assert {(one.url.host, one.status) for one in played.requests} <= {(host, 200)}
    assert {one.url.path for one in played.requests if "batch" in one.body} <= {"/api/v2/batch"}
    single = [one for one in played.requests if not {"batch", "ids"} & one.body.keys()]  # `items` checks those of ids
    assert {one.url.path for one in single} <= {"/api/v1/events"}
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


def _first_of_each_form() -> list[Case]:
    """One case of each form whose messages differ from one another."""
    several = [case for case in CASES if len(case.messages) > 1 and case.sends]
    return list({case.form: case for case in reversed(several)}.values())


def test_on_postgresql_it_is_the_same(
    regions: Regions, database: str, open_store: Callable[[str], Store], tmp_path: Path
) -> None:
    stage = Stage(open_store(database), regions, tmp_path)
    for case, region, together in product(_first_of_each_form(), REGIONS, MANNERS.values()):
        check(case, stage.play(case, region, together=together), TRACK[region], together=together)
    stage.close()


def test_an_event_has_one_id_in_whatever_way_it_comes(stage: Stage) -> None:
    case = next(case for case in CASES if case.name == "all examples, one after the other")
    plays = [stage.play(case, region, together=together) for region in REGIONS for together in MANNERS.values()]

    assert len(plays[0].event_ids) == 3
    assert {tuple(sorted(played.event_ids)) for played in plays} == {tuple(sorted(plays[0].event_ids))}


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> Connection:
    """A connection of the region, as settings give it that name no address."""
    return Connection.model_validate({"name": "main", "region": request.param, **credentials(request.param)})


@pytest.mark.parametrize("connection", REGIONS, indirect=True)
def test_each_region_says_who_it_is_at_its_own_address(regions: Regions, connection: Connection) -> None:
    with Track(connection, 5.0, regions) as track:
        assert read(track.region()) == Workspace(1, connection.region)
    assert regions.asked[-1].url.host == TRACK[connection.region]


@pytest.mark.parametrize("connection", REGIONS, indirect=True)
def test_people_are_read_back_at_the_address_of_their_region(regions: Regions, connection: Connection) -> None:
    for simulated in regions.simulated.values():
        simulated.reset()
    with Track(connection, 5.0, regions) as track:
        person = identify({"id": "user-1"}, {"home": connection.region})
        assert track.send("batch", json.dumps({"batch": [person]}).encode()).status == 200
    with AppApi(connection, 5.0, regions) as app_api:
        found = json.loads(app_api.people("id", ["user-1"]).body)["customers"]

    assert regions.asked[-1].url.host == APP[connection.region]
    assert [one["attributes"]["home"] for one in found] == [connection.region]
    (other,) = set(REGIONS) - {connection.region}
    assert regions.simulated[other].people() == {}


@pytest.mark.parametrize("connection", REGIONS, indirect=True)
def test_the_credentials_of_one_region_open_nothing_in_the_other(regions: Regions, connection: Connection) -> None:
    (other,) = set(REGIONS) - {connection.region}
    stray = connection.model_copy(update={"region": other})
    with Track(stray, 5.0, regions) as track:
        assert read(track.region()) == Unknown("Customer.io refused the credentials (401: Unauthorized request)", True)
        assert track.send("batch", b'{"batch": []}').status == 401
