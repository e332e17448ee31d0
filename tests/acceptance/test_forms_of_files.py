"""Files are read as what they are: in the form of the settings, by their name, or as the command says."""

import json
from pathlib import Path

import pytest

from tests.processes import connector, environment

PART = {"user": {"external_id": "pp1", "plan": "free"}, "segments": ["Paying"], "version": 6}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path) | {"CONNECTOR__INTAKE__FORMAT": "native"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "changes.ndjson"
    path.write_text(json.dumps(PART))
    return path


def test_messages_are_read_in_the_form_of_the_settings(file: Path, environ: dict[str, str]) -> None:
    (planned,) = connector("plan", file, "--json", environ=environ).rows()
    assert planned["operations"][0]["attributes"] == {"plan": "free", "hull_segment": ["paying"]}
    sent = connector("send", file, "--json", environ=environ)
    assert (sent.code, sent.rows()[0]["changes"]) == (0, 1)


def test_a_replay_reads_in_the_form_that_refused_the_message(file: Path, environ: dict[str, str]) -> None:
    file.write_text(json.dumps({"userId": "pp1", "type": "identify", "traits": [1]}))
    connector("send", file, "--format", "segment", environ=environ)
    (problem,) = connector("problems", "--json", environ=environ).rows()
    assert problem["form"] == "segment"
    replayed = connector("problems", "replay", problem["id"], environ=environ)
    assert (replayed.code, "still cannot be read as segment" in replayed.err) == (1, True)


@pytest.mark.parametrize("name", ["messages.ndjson", "users.csv"])
def test_where_nothing_can_be_read_the_exit_code_says_so(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    (tmp_path / name).write_text("id,segments\n,\n,Paying\n")
    for command in ("send", "plan"):
        ended = connector(command, tmp_path / name, "--allow-missing", "--json", environ=environ)
        assert (ended.code, len(ended.rows()) > 0) == (1, True)


def test_plan_reads_a_table_as_send_does(tmp_path: Path, environ: dict[str, str]) -> None:
    path = tmp_path / "users.csv"
    path.write_text("number,external_id,plan\n7,pp1,gold\n8,pp2,free\n")
    arguments = (path, "--key", "number", "--segment", "Paying", "--allow-missing", "--json")
    planned = connector("plan", *arguments, environ=environ).rows()
    assert [(each["user"], each["operations"][0]["attributes"]["plan"]) for each in planned] == [
        ("7", "gold"),
        ("8", "free"),
    ]


def test_what_a_table_is_said_to_be_is_refused_for_messages(file: Path, environ: dict[str, str]) -> None:
    connector("migrate", environ=environ)
    for command in (("plan",), ("send",), ("backfill", "all")):
        ended = connector(*command, file, "--key", "number", environ=environ)
        assert (ended.code, "are for tables of users" in ended.err) == (2, True)
        ended = connector(*command, file, "--format", "xml", environ=environ)
        assert (ended.code, "--format: 'xml' is not accepted; give one of hull" in ended.err) == (2, True)
