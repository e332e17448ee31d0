"""`connector approve` and `connector dead-letters`, as an operator meets them."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.processes import connector, environment, people, running, simulator, until

HELD = 12


def notification(user: int, version: int, *segments: str) -> bytes:
    """A user in these segments, as of that version."""
    said = {"id": f"u{user}", "external_id": f"u{user}", "email": f"user-{user}@example.com"}
    return json.dumps({"user": said, "segments": list(segments), "whole": True, "version": version}).encode()


def status(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(connector("status", "--json", environ=environ).out)
    return found


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """The environment of the shipped settings with a guard that lets two deletions pass."""
    with simulator(tmp_path) as url:
        environ = environment(tmp_path, url) | {
            "CONNECTOR__SYNCS__MAIN__DELETION_GUARD__SHARE": "0.1",
            "CONNECTOR__SYNCS__MAIN__DELETION_GUARD__AT_LEAST": "2",
        }
        yield environ | {"SIMULATOR": url}


def send(environ: Mapping[str, str], *bodies: bytes) -> None:
    sent = connector("send", "-", "--format", "native", environ=environ, stdin=b"\n".join(bodies))
    assert sent.code == 0, sent.err


def test_held_deletions_are_shown_approved_and_done(guarded: dict[str, str], tmp_path: Path) -> None:
    simulated = guarded["SIMULATOR"]
    send(guarded, *(notification(user, 1, "Paying") for user in range(HELD)))
    with running("run", environ=guarded, output=tmp_path / "run.log") as program:
        until(lambda: len(people(simulated)) == HELD, "everybody to be there")
        send(guarded, *(notification(user, 2) for user in range(HELD)))
        until(lambda: status(guarded)["syncs"]["main"]["deletions_held"] == HELD, "the deletions to be held")
        assert status(guarded)["problems"] == {"held": 1}

        refused = connector("approve", "main", environ=guarded, stdin=b"n\n")
        assert f"{HELD} deletions are held: u0, u1, u10, u11, u2, ..." in refused.err
        assert len(people(simulated)) == HELD

        approved = connector("approve", "main", "--yes", environ=guarded)
        assert (approved.code, approved.out) == (0, f"main: {HELD} deletions let go\n")
        until(lambda: not people(simulated), "everybody to be deleted")
        assert connector("approve", "main", environ=guarded).out == "main: no deletions are held\n"
        assert program.end(signal.SIGTERM) == 0


def test_a_sync_that_is_not_there_is_a_mistake(guarded: dict[str, str]) -> None:
    ended = connector("approve", "other", environ=guarded)
    assert (ended.code, ended.err) == (2, "there is no sync 'other': the settings name main\n")


def test_the_in_process_broker_has_no_dead_letters(guarded: dict[str, str]) -> None:
    ended = connector("dead-letters", environ=guarded)
    assert (ended.code, ended.out) == (2, "")
    assert "a fleet's broker, amqp://, has" in ended.err


def test_a_broker_that_does_not_answer_is_one_line(guarded: dict[str, str]) -> None:
    environ = guarded | {"CONNECTOR__BROKER__URL": "amqp://guest:a-secret-password@127.0.0.1:9//"}
    ended = connector("dead-letters", environ=environ)
    assert ended.code == 1
    assert ended.err.startswith("the broker amqp://guest:**@127.0.0.1:9// does not answer: ")
    assert "a-secret-password" not in ended.err
