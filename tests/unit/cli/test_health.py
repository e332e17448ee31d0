"""`connector health`: by files of this machine, so that neither the store nor the broker is asked."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connector.admin import liveness
from connector.cli import app


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(liveness.FOLDER_VARIABLE, str(tmp_path))


@pytest.fixture
def ask() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(app, ["health", *arguments])


def test_who_said_so_a_moment_ago_lives(ask: Callable[..., Result]) -> None:
    liveness.note(liveness.file_of("worker", 77))
    ended = ask("worker")
    assert (ended.exit_code, ended.stdout.startswith("worker: lives, said so ")) == (0, True)


def test_who_never_said_so_does_not(ask: Callable[..., Result]) -> None:
    liveness.note(liveness.file_of("worker", 77))
    ended = ask("beat")
    assert ended.exit_code == 1
    assert "beat: none has said here that it lives" in ended.output


def test_who_was_silent_for_too_long_does_not(ask: Callable[..., Result]) -> None:
    file = liveness.file_of("beat", 77)
    liveness.note(file)
    os.utime(file, (time.time() - 90, time.time() - 90))
    assert ask("beat").exit_code == 1
    assert ask("beat", "--within", "120").exit_code == 0


def test_who_has_ended_leaves_no_file_and_takes_old_ones_along() -> None:
    mine, old = liveness.file_of("web", 1), liveness.file_of("web", 2)
    liveness.note(mine)
    liveness.note(old)
    os.utime(old, (1, 1))
    liveness.forget(mine)
    assert liveness.seconds_since("web") is None


def test_a_folder_of_somebody_else_is_neither_written_nor_believed(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "worker.1").touch()
    liveness.folder().symlink_to(foreign)
    liveness.note(liveness.file_of("worker", 2))
    assert liveness.seconds_since("worker") is None
    assert [each.name for each in foreign.iterdir()] == ["worker.1"]


def test_a_folder_that_cannot_be_written_to_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(liveness.FOLDER_VARIABLE, str(tmp_path / "missing"))
    liveness.note(liveness.file_of("worker", 1))
    assert liveness.seconds_since("worker") is None
