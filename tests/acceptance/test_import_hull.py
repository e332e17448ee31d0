"""`connector import-hull`: what Hull's connector was set to, as settings that `connector check` finds right."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.processes import API_KEY, SITE_ID, Ended, bare_environment, connector, environment

PRIVATE = {
    "site_id": SITE_ID,
    "api_key": API_KEY,
    "synchronized_segments": ["s-1", "s-2"],
    "enable_user_deletion": True,
    "events_filter": ["Signed up", "page"],
    "anonymous_events": False,
    "user_id_mapping": "external_id",
    "synchronized_attributes": ["first_name", "clearbit/employees", "account.name"],
}
SHIP = {"id": "c-1", "name": "Mail", "private_settings": PRIVATE, "segments": [{"id": "s-1", "name": "Paying"}]}


def import_hull(folder: Path, document: Any, *arguments: str) -> Ended:
    """Imports a document; one that is text is written as it is."""
    (folder / "hull.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return connector("import-hull", "hull.json", *arguments, environ=bare_environment(), cwd=folder)


@pytest.mark.parametrize("document", [PRIVATE, SHIP], ids=["private_settings", "connector"])
def test_what_is_imported_passes_the_check(tmp_path: Path, customerio: str, document: Any) -> None:
    ended = import_hull(tmp_path, document, "--output", "settings.toml")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "settings.toml is written; now: connector check --settings settings.toml\n"

    environ = environment(tmp_path, customerio, settings=tmp_path / "settings.toml")
    checked = connector("check", "--json", environ=environ)
    assert checked.code == 0, checked.out + checked.err
    assert {row["level"] for row in checked.rows()} == {"ok"}
    texts = {row["what"]: row["text"] for row in checked.rows()}
    assert texts["syncs.main"] == "2 segment(s) to main, 5 attribute(s), 2 event(s), on_exit = delete"


def test_without_credentials_in_the_environment_the_check_names_them(tmp_path: Path) -> None:
    import_hull(tmp_path, PRIVATE, "--output", "settings.toml")
    environ = bare_environment() | {"CONNECTOR__STORE__URL": f"sqlite:///{tmp_path / 'connector.db'}"}
    checked = connector("check", "--settings", tmp_path / "settings.toml", environ=environ)
    assert checked.code == 1
    assert "CONNECTOR__CONNECTIONS__MAIN__SITE_ID is not set" in checked.out


def test_settings_go_to_standard_output_and_warnings_beside_it(tmp_path: Path) -> None:
    ended = import_hull(tmp_path, {**PRIVATE, "flow_control_size": 5})
    assert ended.code == 0
    assert ended.err == "warning: 'flow_control_size': has no counterpart here; it is left out\n"
    (tmp_path / "settings.toml").write_text(ended.out)
    assert import_hull(tmp_path, PRIVATE, "--output", "again.toml").code == 0
    assert (tmp_path / "again.toml").read_text() == ended.out
    assert max(map(len, ended.out.splitlines())) <= 120


def test_standard_input_is_read(tmp_path: Path) -> None:
    ended = connector("import-hull", "-", environ=bare_environment(), stdin=json.dumps(SHIP).encode(), cwd=tmp_path)
    assert ended.code == 0
    assert '"s-1",  # Paying' in ended.out


def test_a_file_that_is_there_is_written_over_only_by_force(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("mine")
    ended = import_hull(tmp_path, PRIVATE, "--output", "settings.toml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "settings.toml: is there already; give another name, or --force to write over it\n"
    assert settings.read_text() == "mine"
    assert import_hull(tmp_path, PRIVATE, "--output", "settings.toml", "--force").code == 0
    assert "[syncs.main]" in settings.read_text()


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ("not json", "hull.json: is not JSON ("),
        ("[]", "hull.json: is no JSON object; give private_settings, or the connector that has them"),
        ({"events_filter": 5}, "hull.json: events_filter: 5 is not accepted; it is a list in Hull"),
    ],
)
def test_what_cannot_be_imported_is_a_line(tmp_path: Path, document: Any, line: str) -> None:
    ended = import_hull(tmp_path, document, "--output", "settings.toml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(line)
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "settings.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("none.json",), "none.json: cannot be read (No such file or directory)\n"),
        (("hull.json", "--output", "none/settings.toml"), "none/settings.toml: cannot be written (No such file"),
    ],
)
def test_a_place_that_is_not_there_is_a_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    (tmp_path / "hull.json").write_text(json.dumps(PRIVATE))
    ended = connector("import-hull", *arguments, environ=bare_environment(), cwd=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(line)
