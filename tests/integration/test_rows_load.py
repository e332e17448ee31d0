"""Tables of users come into a store and on to Customer.io; with --full, who is not in the table leaves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from connector.bulk.tabular import table
from connector.bulk.tabular.load import Load, Loaded
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.errors import ConnectorError, UnreadableError
from connector.store import deletion_guard, everybody, members
from tests.simulated import Simulated
from tests.world import World, message

MakeWorld = Callable[..., World]
PAYING = UserShape(entered=("Paying",))
FULL = UserShape(entered=("Paying",), full=True)
HEADER = "external_id,plan"


def lines(*rows: str, header: str = HEADER) -> str:
    return "".join(f"{row}\n" for row in (header, *rows))


def written(path: Path, columns: Mapping[str, Any]) -> Path:
    parquet.write_table(pa.table(dict(columns)), path)
    return path


@pytest.fixture
def parquet_path(tmp_path: Path) -> Path:
    return tmp_path / "users.parquet"


def load(world: World, path: Path, shape: UserShape = PAYING, **options: Any) -> Loaded:
    """Takes a table in, and delivers what came of it."""
    kind = table.kind_of(path, "")
    assert kind is not None
    with table.opened(path, kind) as opened:
        loaded = Load(world.store, world.rules, shape, 1_000_000, **options).run(opened, lambda: None)
    world.settle()
    return loaded


def csv(tmp_path: Path, users: Sequence[int], plan: str = "gold") -> Path:
    path = tmp_path / "users.csv"
    path.write_text(lines(*(f"u{number:02},{plan}" for number in users)))
    return path


def test_users_of_a_csv_file_come_to_customerio(world: World, simulator: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(lines("u1,gold,Paying|Trial", "u2,free,Trial", "u3,,Paying", header=f"{HEADER},segments"))
    assert load(world, path, UserShape()) == Loaded(3, 0)
    assert simulator.people() == {"u1": {"plan": "gold"}, "u3": {}}


def test_users_of_a_parquet_file_come_to_customerio(world: World, simulator: Simulated, parquet_path: Path) -> None:
    columns = {"number": [1, 2], "external_id": ["u1", "u2"], "plan": ["gold", None], "city": ["Here", "There"]}
    assert load(world, written(parquet_path, columns), UserShape("number", ("Paying",))) == Loaded(2, 0)
    assert simulator.people() == {"u1": {"plan": "gold", "city": "Here"}, "u2": {"city": "There"}}
    with world.store.reading() as tx:
        assert list(members.after(tx, "main", "Paying", "", 10).members) == ["1", "2"]


def test_what_a_later_file_does_not_have_is_cleared(world: World, simulator: Simulated, tmp_path: Path) -> None:
    load(world, csv(tmp_path, [1, 2]))
    path = tmp_path / "users.csv"
    path.write_text(lines("u01,"))
    load(world, path)
    assert simulator.people() == {"u01": {}, "u02": {"plan": "gold"}}


def test_bad_rows_are_problems_and_their_neighbours_go_on(world: World, simulator: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(lines("u1,gold", "u2", ",gold", "u3,free"))
    assert load(world, path) == Loaded(2, 2)
    assert sorted(simulator.people()) == ["u1", "u3"]
    reasons = [(kind, reason) for kind, _, reason in world.problems()]
    assert reasons == [
        ("unreadable", "line 3 has 1 cells, the header has 2"),
        ("unreadable", "the message names no user"),
    ]


def test_ids_that_a_table_made_floats_are_the_same_users(
    make_world: MakeWorld, simulator: Simulated, tmp_path: Path
) -> None:
    world = make_world(sync={"identifier": "crm", "attributes": ["plan"], "on_exit": "delete"})
    world.run(message("1001", 1, crm=1001, plan="gold"), message("1002", 1, crm=1002, plan="gold"))
    path = tmp_path / "users.csv"
    path.write_text(lines("1001.0,1001.0,1.0", "1002.0,1002.0,2.0", ",,3.0", header="id,crm,plan"))
    shape = replace(FULL, wanted=WantedColumns.of(world.rules, may_lack=False))

    assert load(world, path, shape) == Loaded(2, 1)
    assert simulator.people() == {"1001": {"plan": "1.0"}, "1002": {"plan": "2.0"}}


@pytest.mark.parametrize("row", ["1.23457E+11,gold", "u3", "u3,gold,more"])
def test_nobody_leaves_where_a_row_does_not_tell_whose_it_is(
    world: World, simulator: Simulated, tmp_path: Path, row: str
) -> None:
    load(world, csv(tmp_path, [1, 2, 3]), FULL)
    path = tmp_path / "users.csv"
    path.write_text(lines("u01,free", row, "u02,free"))

    assert load(world, path, FULL) == Loaded(2, 1, left=0, unnamed=1)
    assert sorted(simulator.people()) == ["u01", "u02", "u03"]


def test_a_row_that_is_too_large_is_a_problem(world: World, parquet_path: Path) -> None:
    columns = {"external_id": ["u1", "u2"], "plan": ["x" * 1_100_000, "gold"]}
    assert load(world, written(parquet_path, columns)) == Loaded(1, 1)
    ((_, _, reason),) = world.problems()
    assert reason == "the message is larger than [intake] max_message_bytes, 1000000 bytes"


def test_a_bulk_load_waits_behind_what_is_live(world: World, tmp_path: Path) -> None:
    world.take(message("u2", 1))
    with table.opened(csv(tmp_path, [1]), table.CSV) as opened:
        Load(world.store, world.rules, PAYING, 1_000_000, backfill=True).run(opened, lambda: None)
    with world.store.reading() as tx:
        assert (everybody.due_behind(tx, "main", 10), world.due()) == (1, 2)


# ---- --full ---------------------------------------------------------------------------------------------------------


def test_who_is_not_in_the_second_file_is_deleted(world: World, simulator: Simulated, tmp_path: Path) -> None:
    assert load(world, csv(tmp_path, range(20)), FULL) == Loaded(20, 0, 0)
    assert load(world, csv(tmp_path, range(17)), FULL) == Loaded(17, 0, 3)
    assert sorted(simulator.people()) == [f"u{number:02}" for number in range(17)]
    assert load(world, csv(tmp_path, range(17)), FULL) == Loaded(17, 0, 0)


def test_who_comes_back_in_a_later_file_is_there_again(world: World, simulator: Simulated, tmp_path: Path) -> None:
    for users in ([1, 2], [1], [1, 2]):
        load(world, csv(tmp_path, users), FULL)
    assert simulator.people() == {"u01": {"plan": "gold"}, "u02": {"plan": "gold"}}


def test_with_the_guard_on_a_file_that_is_too_short_is_held(
    make_world: MakeWorld, simulator: Simulated, tmp_path: Path
) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.2, "at_least": 3}})
    load(world, csv(tmp_path, range(20)), FULL)
    assert load(world, csv(tmp_path, range(5)), FULL) == Loaded(5, 0, 15)
    assert len(simulator.people()) == 20
    with world.store.reading() as tx:
        assert deletion_guard.held(tx, "main") == 15


def test_who_leaves_is_kept_where_the_sync_keeps(make_world: MakeWorld, simulator: Simulated, tmp_path: Path) -> None:
    world = make_world(sync={"on_exit": "keep"})
    load(world, csv(tmp_path, [1, 2]), FULL)
    assert load(world, csv(tmp_path, [1], "pro"), FULL).left == 1
    assert simulator.people() == {"u01": {"plan": "pro"}, "u02": {"plan": "gold"}}


def test_who_is_in_another_segment_of_the_sync_stays(
    make_world: MakeWorld, simulator: Simulated, tmp_path: Path
) -> None:
    world = make_world(sync={"segments": ["Paying", "Trial"], "segment_attribute": "segments"})
    load(world, csv(tmp_path, [1, 2]), FULL)
    load(world, csv(tmp_path, [2]), UserShape(entered=("Trial",)))
    assert load(world, csv(tmp_path, [1]), FULL).left == 1
    assert simulator.people()["u02"]["segments"] == ["trial"]


@pytest.mark.parametrize("named", ["Paying", "s-1"], ids=["by its name", "by its id"])
def test_who_came_with_the_segment_under_an_id_leaves_too(
    make_world: MakeWorld, simulator: Simulated, tmp_path: Path, named: str
) -> None:
    world = make_world(sync={"segments": ["Paying", "s-1"]})
    segments = [{"id": "s-1", "name": "Paying"}]
    world.run(message("u8", 7, segments=segments), message("u9", 7, segments=[*segments, "Other"]))
    assert load(world, csv(tmp_path, [1]), UserShape(entered=(named,), full=True)).left == 2
    assert list(simulator.people()) == ["u01"]


def test_every_sync_lets_go(make_world: MakeWorld, tmp_path: Path) -> None:
    other = make_world().settings.syncs["main"].model_dump(exclude={"name"})
    world = make_world(sync={"segments": ["Elsewhere"]}, syncs={"main": other, "second": other})
    load(world, csv(tmp_path, [1, 2]), FULL)
    world.settle("second")
    assert load(world, csv(tmp_path, [2]), FULL).left == 1
    with world.store.reading() as tx:
        for sync in ("main", "second"):
            assert list(members.after(tx, sync, "Paying", "", 10).members) == ["external_id:u02"]


def test_members_are_found_page_by_page(world: World, tmp_path: Path) -> None:
    load(world, csv(tmp_path, range(7)))
    found, key = [], ""
    with world.store.reading() as tx:
        while (page := members.after(tx, "main", "Paying", key, 3)).last is not None:
            assert len(page.members) <= 3
            found += page.members
            key = page.last
    assert found == [f"external_id:u{number:02}" for number in range(7)]


@pytest.mark.parametrize("last", ["u02", 'u02,"gold'])
def test_nobody_leaves_where_the_file_breaks_off(world: World, simulator: Simulated, tmp_path: Path, last: str) -> None:
    load(world, csv(tmp_path, range(4)), FULL)
    path = tmp_path / "users.csv"
    path.write_text(lines("u00,gold", "u09,gold", last))
    with pytest.raises(UnreadableError) as caught:
        load(world, path, FULL)
    assert str(caught.value).endswith("; what stands before that place is taken in, and nobody has left 'Paying'")
    world.settle()
    assert sorted(simulator.people()) == ["u00", "u01", "u02", "u03", "u09"]


@pytest.mark.parametrize("rows_given", [(), (",gold", "u1,gold,more")], ids=["no row", "bad rows only"])
def test_nobody_leaves_where_no_row_can_be_read(
    world: World, simulator: Simulated, tmp_path: Path, rows_given: tuple[str, ...]
) -> None:
    load(world, csv(tmp_path, [1]), FULL)
    path = tmp_path / "users.csv"
    path.write_text(lines(*rows_given))
    with pytest.raises(ConnectorError, match="no row could be read: nobody has left 'Paying'"):
        load(world, path, FULL)
    world.settle()
    assert list(simulator.people()) == ["u01"]


def test_who_is_named_in_a_row_that_cannot_be_read_stays(
    world: World, simulator: Simulated, parquet_path: Path
) -> None:
    users = ["u1", "u2"]
    load(world, written(parquet_path, {"external_id": users}), FULL)
    written(parquet_path, {"external_id": users, "segments": pa.array([["Paying"], [None]])})
    assert load(world, parquet_path, FULL) == Loaded(1, 1, 0)
    assert sorted(simulator.people()) == users
