"""The file of SQLite while it is open: deleted, moved, replaced, or without its -wal. What is accepted is kept."""

import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from connector.errors import StoreFileError
from connector.store.engine import Store
from tests.processes import NOBODY_LISTENS, TOKEN, connector, environment, running
from tests.simulated import Simulated
from tests.world import World, message

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
HULL = {"messages": [{"user": {"id": "u9", "external_id": "9"}, "segments": [{"id": "Paying", "name": "Paying"}]}]}
DOORS = {"/v1/changes": message("u2", 1), "/v1/hull": HULL}
Damage = Callable[[Path], None]


def beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def delete(file: Path) -> None:
    file.unlink()


def delete_the_wal(file: Path) -> None:
    beside(file, "-wal").unlink()


def replace(file: Path) -> None:
    """Puts a copy in its place, with the -wal of the file that was there."""
    copy = shutil.copy(file, beside(file, ".copy"))
    Path(copy).replace(file)


DAMAGES = {
    "was deleted or moved away": delete,
    "connector.db-wal was deleted": delete_the_wal,
    "was replaced while it was open": replace,
}
damaged = pytest.mark.parametrize(("said", "damage"), DAMAGES.items())


@pytest.fixture
def file(file_url: str) -> Path:
    """The file, and beside it a copy of the empty one."""
    path = Path(file_url.removeprefix("sqlite:///"))
    shutil.copy(path, beside(path, ".empty"))
    return path


def put_another_there(file: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        beside(file, ending).unlink()
    shutil.copy(beside(file, ".empty"), file)


@pytest.fixture
def store(file_url: str, open_store: Callable[[str], Store]) -> Store:
    return open_store(file_url)


@pytest.fixture
def world(store: Store, simulator: Simulated) -> Iterator[World]:
    """The product on the file, with one person in it."""
    made = World(store, simulator)
    made.take(message("u1", 1))
    yield made
    made.close()


def people_in(file: Path) -> list[str]:
    reading = sqlite3.connect(file)
    try:
        return [row[0] for row in reading.execute("SELECT key FROM entity ORDER BY key")]
    finally:
        reading.close()


@damaged
def test_neither_intake_nor_delivery_goes_on_in_a_file_that_is_not_at_its_path(
    world: World, file: Path, said: str, damage: Damage
) -> None:
    damage(file)
    with pytest.raises(StoreFileError, match=said):
        world.take(message("u2", 1))
    with pytest.raises(StoreFileError, match=said):
        world.cycle()
    with pytest.raises(StoreFileError, match=said), world.store.reading():
        pass
    assert world.simulated.people() == {}


@damaged
def test_what_was_committed_to_a_file_that_has_gone_meanwhile_is_not_accepted(
    world: World, file: Path, said: str, damage: Damage
) -> None:
    with pytest.raises(StoreFileError, match=said), world.store.writing():
        damage(file)


def test_a_file_that_is_moved_away_and_back_has_all_that_was_accepted(world: World, file: Path) -> None:
    away = file.rename(beside(file, ".away"))
    with pytest.raises(StoreFileError):
        world.take(message("u2", 1))
    away.rename(file)
    world.take(message("u3", 1))
    world.settle()
    assert sorted(world.simulated.people()) == ["u1", "u3"]
    world.store.close()
    assert people_in(file) == ["u1", "u3"]


def test_another_store_that_is_put_there_whole_is_opened(world: World, file: Path) -> None:
    put_another_there(file)
    world.take(message("u2", 1))
    world.store.close()
    assert people_in(file) == ["u2"]


def test_what_is_written_to_the_old_file_while_another_is_put_there_is_not_accepted(world: World, file: Path) -> None:
    with pytest.raises(StoreFileError), world.store.writing():
        put_another_there(file)
    world.take(message("u2", 1))
    world.store.close()
    assert people_in(file) == ["u2"]


def test_a_file_that_is_gone_is_not_made_anew(world: World, file: Path) -> None:
    file.unlink()
    with pytest.raises(StoreFileError):
        world.take(message("u2", 1))
    world.store.close()
    assert not file.exists()


def test_without_its_wal_the_store_has_everything_once_it_is_closed(world: World, file: Path) -> None:
    beside(file, "-wal").unlink()
    with pytest.raises(StoreFileError):
        world.take(message("u2", 1))
    world.store.close()
    assert people_in(file) == ["u1"]


@damaged
def test_both_doors_refuse_and_the_log_says_in_one_line_what_to_do(tmp_path: Path, said: str, damage: Damage) -> None:
    environ = environment(tmp_path, NOBODY_LISTENS)
    assert connector("migrate", environ=environ).code == 0
    with running("web", environ=environ, output=tmp_path / "web.log") as web:
        first = httpx.post(f"{web.url}/v1/changes", json=message("u1", 1), headers=HEADERS)
        damage(tmp_path / "connector.db")
        answers = [httpx.post(f"{web.url}{door}", json=body, headers=HEADERS) for door, body in DOORS.items()]
        ready = httpx.get(f"{web.url}/readyz")
        page = httpx.get(f"{web.url}/")
        web.end(signal.SIGTERM)
        log = web.text
    assert first.status_code == 200
    assert [each.status_code for each in answers] == [503, 503]
    assert {"Retry-After" in each.headers for each in answers} == {True}
    assert (ready.status_code, page.status_code) == (503, 503)
    assert said in page.text
    told = [line for line in log.splitlines() if said in line and "the store cannot be used" in line]
    assert len(told) == 1
    assert "stop every program" in told[0]
