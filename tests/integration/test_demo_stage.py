"""What the demos stand on: private servers, and processes that start and end together."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from connector.demo.cast import Cast
from connector.demo.stage import emptied
from connector.errors import ConnectorError
from tests.processes import bare_environment
from tests.servers import Postgres, free_port


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the user of PostgreSQL may enter, who is another one where the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="test-kept-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def shown(postgres: Postgres, setting: str) -> str:
    with psycopg.connect(postgres.url.replace("+psycopg", "")) as connection:
        (value,) = connection.execute(f"SHOW {setting}").fetchone()  # type: ignore[misc]
    return str(value)


def test_a_folder_that_was_given_is_kept_and_found_again(open_folder: Path) -> None:
    with Postgres(open_folder / "postgres") as first:
        first.run("CREATE DATABASE kept")
    with Postgres(open_folder / "postgres") as second:
        second.run("SELECT 1", database="kept")
    assert (open_folder / "postgres" / "output.log").exists()


def test_a_folder_that_was_not_given_goes_away() -> None:
    with Postgres() as postgres:
        folder = postgres.log.parent
        assert folder.exists()
    assert not folder.exists()


def test_the_options_of_postgresql_can_be_chosen() -> None:
    with Postgres(durable=True, options={"shared_buffers": "64MB"}) as postgres:
        assert {name: shown(postgres, name) for name in ("fsync", "shared_buffers", "max_connections")} == {
            "fsync": "on",
            "shared_buffers": "64MB",
            "max_connections": "60",
        }


def test_a_server_that_does_not_start_shows_the_end_of_its_log() -> None:
    postgres = Postgres(options={"shared_buffers": "a lot"})
    with pytest.raises(ConnectorError, match=r'(?s)Postgres ended with 1:.*"shared_buffers": "a lot"'), postgres:
        pass
    assert not postgres.log.parent.exists()


def test_nobody_comes_in_without_the_password(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"host=127.0.0.1 port={postgres.port} user=postgres dbname=postgres password=wrong")


def test_the_programs_of_a_cast_end_together(tmp_path: Path) -> None:
    with Cast(tmp_path) as cast:
        both = [
            cast.start(f"door {number}", "http.server", "--bind", "127.0.0.1", str(free_port()), environ=os.environ)
            for number in (1, 2)
        ]
        cast.check_alive()
    assert all(process.popen.returncode is not None for process in both)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["door-1.log", "door-2.log"]


def test_a_program_that_ends_too_early_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Cast(tmp_path) as cast:
        process = cast.start("worker 1", "http.server", "no-port", environ=os.environ)
        process.popen.wait()
        with pytest.raises(ConnectorError, match=r"(?s)the worker 1 ended with 2:\n.*invalid int value: 'no-port'"):
            cast.check_alive()
        with pytest.raises(ConnectorError, match="the worker 1 ended with 2"):
            process.url()


def test_a_program_that_fails_its_work_is_not_waited_for_in_vain(tmp_path: Path) -> None:
    environ = bare_environment() | {"CONNECTOR_SETTINGS": str(tmp_path / "no-settings.toml")}
    with Cast(tmp_path) as cast:
        migration = cast.connector("migration", "migrate", environ=environ)
        with pytest.raises(ConnectorError, match=r"the migration ended with 2:\n.*there is no such file"):
            migration.wait_to_end()


def test_a_demo_empties_its_own_folder(tmp_path: Path) -> None:
    folder = emptied(tmp_path / "demo")
    (folder / "connector.db").write_text("of an earlier run")
    assert [path.name for path in emptied(folder).iterdir()] == ["environment.sh"]


def test_what_the_demo_tells_a_shell_is_for_its_owner_only(tmp_path: Path) -> None:
    (file,) = emptied(tmp_path / "demo").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_demo_does_not_empty_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(ConnectorError, match="give another --folder"):
        emptied(tmp_path)
    assert (tmp_path / "letter.txt").exists()
