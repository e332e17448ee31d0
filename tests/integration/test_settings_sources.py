"""Where settings come from: files, the environment, a secrets directory; who wins, and who is named in a mistake."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from connector.errors import SettingsError
from connector.settings import schema
from connector.settings.schema import Settings
from connector.settings.sync_options import Attribute

FILE = """
[connections.main]
region = "eu"
[syncs.main]
connection = "main"
segments = ["Trial"]
identifier = "external_id"
"""
API_KEY = "CONNECTOR__CONNECTIONS__MAIN__API_KEY"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings.toml in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = Path("settings.toml")
    path.write_text(FILE, "utf-8")
    return path


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A secrets directory, still empty."""
    directory = tmp_path / "given"
    directory.mkdir()
    return directory


def lines(path: Path, environ: Mapping[str, str]) -> list[str]:
    """The lines that loading gives."""
    with pytest.raises(SettingsError) as caught:
        schema.load(path, environ)
    assert caught.value.__cause__ is None
    return str(caught.value).splitlines()


def api_key(loaded: Settings) -> str | None:
    """The key of the one connection, readable."""
    secret = loaded.connections["main"].api_key
    return secret.get_secret_value() if secret else None


def test_the_environment_wins_over_secrets_over_the_file_over_defaults(file: Path, secrets: Path) -> None:
    (secrets / "connector__syncs__main__identifier").write_text("from_secrets")
    (secrets / "connector__connections__main__region").write_text("us\n")
    loaded = schema.load(
        file, {"CONNECTOR_SECRETS_DIR": str(secrets), "CONNECTOR__SYNCS__MAIN__IDENTIFIER": "from_environment"}
    )
    assert loaded.syncs["main"].identifier == "from_environment"
    assert loaded.connections["main"].region == "us"
    assert loaded.syncs["main"].segments == ("Trial",)
    assert loaded.syncs["main"].identify_by == "id"


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("CONNECTOR__WEB__PORT", "9000", "web.port", 9000),
        ("connector__web__port", "9000", "web.port", 9000),
        ("CONNECTOR__Intake__Batch_Seconds", "0.5", "intake.batch_seconds", 0.5),
        ("CONNECTOR__LOG__LEVEL", "debug", "log.level", "debug"),
        ("CONNECTOR__STORE__URL", "sqlite:////tmp/a.db", "store.url", "sqlite:////tmp/a.db"),
        ("CONNECTOR__WEB", '{"port": 9000}', "web.port", 9000),
    ],
)
def test_a_variable_sets_a_key_whatever_its_case(
    file: Path, name: str, text: str, attribute: str, value: object
) -> None:
    section, key = attribute.split(".")
    assert getattr(getattr(schema.load(file, {name: text}), section), key) == value


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("SEGMENTS", '["Paying", "Trial"]', ("Paying", "Trial")),
        ("EVENTS", "[]", ()),
        ("DELIVER", "false", False),
        ("REQUIRE_EMAIL", "1", True),
        ("SEGMENT_ATTRIBUTE", "", ""),
        ("IDENTIFIER", "123", "123"),
        ("LABEL", "true", "true"),
        (
            "ATTRIBUTES",
            '["plan", {"from": "a/b", "to": "c"}]',
            (Attribute(source="plan"), Attribute(source="a/b", target="c")),
        ),
    ],
)
def test_a_variable_is_read_as_what_its_key_holds(file: Path, key: str, text: str, value: object) -> None:
    loaded = schema.load(file, {f"CONNECTOR__SYNCS__MAIN__{key}": text})
    assert getattr(loaded.syncs["main"], key.lower()) == value


def test_variables_alone_can_add_a_sync_and_a_connection(file: Path) -> None:
    loaded = schema.load(
        file, {"CONNECTOR__CONNECTIONS__TEST_2__REGION": "us", "CONNECTOR__SYNCS__SECOND_ONE__CONNECTION": "test_2"}
    )
    assert loaded.syncs["second_one"].connection == "test_2"
    assert loaded.connections["test_2"].name == "test_2"


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {"CONNECTOR__SYNCS__MAIN__IDENTIFY_BY": "phone"},
            "environment: CONNECTOR__SYNCS__MAIN__IDENTIFY_BY: syncs.main.identify_by: "
            "'phone' is not accepted; give one of id, email, cio_id, id_or_email",
        ),
        (
            {"connector__web__port": "many"},
            "environment: connector__web__port: web.port: 'many' is not accepted; give a whole number",
        ),
        (
            {"CONNECTOR__SYNCS__MAIN__SEGMENTS": "Paying"},
            "environment: CONNECTOR__SYNCS__MAIN__SEGMENTS: syncs.main.segments: "
            '\'Paying\' is not accepted; give a list such as ["first", "second"]',
        ),
        (
            {"CONNECTOR__SYNCS__MAIN__ATTRIBUTES": '["plan", "cio_id"]'},
            "environment: CONNECTOR__SYNCS__MAIN__ATTRIBUTES: syncs.main.attributes[1]: 'cio_id' is not "
            "accepted as a name in Customer.io: Customer.io gives it out itself; "
            "set identify_by to address people by it",
        ),
        (
            {"CONNECTOR__SYNCS__MAIN__IDENTIFER": "x"},
            "environment: CONNECTOR__SYNCS__MAIN__IDENTIFER: syncs.main.identifer: "
            "unknown key; did you mean identifier?",
        ),
        (
            {"CONNECTOR__SYNC__MAIN__IDENTIFIER": "x"},
            "environment: CONNECTOR__SYNC__MAIN__IDENTIFIER: sync: unknown key; did you mean syncs?",
        ),
        (
            {"CONNECTOR__SYNCS__MAIN__CONNECTION": "other"},
            "environment: CONNECTOR__SYNCS__MAIN__CONNECTION: syncs.main.connection: "
            "'other' is not a connection; give one of main",
        ),
        (
            {"CONNECTOR__SYNCS__SECOND__LABEL": "x"},
            "environment: CONNECTOR__SYNCS__SECOND__CONNECTION: syncs.second.connection: is missing; give one of main",
        ),
        (
            {"CONNECTOR__CONNECTIONS__MIAN__API_KEY": "hush"},
            "environment: CONNECTOR__CONNECTIONS__MIAN__API_KEY: connections.mian: neither the file nor a sync names "
            "this connection; name one of main, or take the variable away",
        ),
        (
            {"CONNECTOR__STORE": "sqlite:///x.db"},
            "environment: CONNECTOR__STORE: store: what was given is not accepted; give a table",
        ),
        (
            {"CONNECTOR__SYNCS__MAIN": '{"name": "x"}'},
            "environment: CONNECTOR__SYNCS__MAIN: syncs.main.name: unknown key; the name is main, the key of the table",
        ),
    ],
)
def test_a_mistake_names_the_variable_it_came_from(file: Path, environ: dict[str, str], line: str) -> None:
    assert lines(file, environ) == [line]


def test_a_mistake_names_the_secret_file_it_came_from(file: Path, secrets: Path) -> None:
    (secrets / "connector__log__level").write_text("loud")
    assert lines(file, {"CONNECTOR_SECRETS_DIR": str(secrets)}) == [
        "secrets: connector__log__level: log.level: 'loud' is not accepted; give one of debug, info, warning, error"
    ]


@pytest.mark.parametrize("name", ["CONNECTOR_WEB__TOKEN", "connector_syncs__MAIN__SEGMENTS"])
def test_a_variable_or_a_secret_file_that_lacks_an_underscore_is_told_and_not_passed_over(
    file: Path, secrets: Path, name: str
) -> None:
    told = rf"{name}: two underscores stand behind connector: CONNECTOR__{name[10:]} is meant$"
    with pytest.raises(SettingsError, match=f"(?i)^environment: {told}"):
        schema.load(file, {name: "hush"})
    (secrets / name).write_text("hush")
    with pytest.raises(SettingsError, match=f"(?i)^secrets: {told}"):
        schema.load(file, {"CONNECTOR_SECRETS_DIR": str(secrets)})


def test_a_mistake_of_the_file_names_the_file_even_where_a_variable_sets_its_neighbour(file: Path) -> None:
    file.write_text(FILE.replace('connection = "main"', ""))
    environ = {"CONNECTOR__SYNCS__MAIN__IDENTIFIER": "email"}
    assert lines(file, environ) == ["settings.toml: syncs.main.connection: is missing; give one of main"]


@pytest.mark.parametrize("name", [API_KEY, API_KEY.lower(), "Connector__Connections__main__api_Key"])
def test_a_secret_is_read_from_a_file_of_its_name_without_its_line_end(file: Path, secrets: Path, name: str) -> None:
    (secrets / name).write_text("  hush\n")
    assert api_key(schema.load(file, {"CONNECTOR_SECRETS_DIR": str(secrets)})) == "hush"


def test_a_secret_is_read_through_the_links_that_kubernetes_makes(file: Path, secrets: Path) -> None:
    (secrets / "..2026_01").mkdir()
    (secrets / "..2026_01" / API_KEY).write_text("hush")
    (secrets / "..data").symlink_to("..2026_01")
    (secrets / API_KEY).symlink_to(Path("..data") / API_KEY)
    assert api_key(schema.load(file, {"CONNECTOR_SECRETS_DIR": str(secrets)})) == "hush"


def test_other_peoples_secrets_are_left_unread(file: Path, secrets: Path) -> None:
    (secrets / "certificate.der").write_bytes(b"\xff\xfe\x00")
    (secrets / "directory").mkdir()
    assert schema.load(file, {"CONNECTOR_SECRETS_DIR": str(secrets)}).syncs["main"].identifier == "external_id"


def test_an_empty_variable_is_no_secret_and_hides_none(file: Path, secrets: Path) -> None:
    assert schema.load(file, {API_KEY: ""}).connections["main"].api_key is None
    (secrets / API_KEY).write_text("hush")
    assert api_key(schema.load(file, {API_KEY: " ", "CONNECTOR_SECRETS_DIR": str(secrets)})) == "hush"


def test_a_secret_from_the_environment_shows_nowhere(file: Path) -> None:
    loaded = schema.load(file, {API_KEY: "hush", "CONNECTOR__WEB__TOKEN": "hush"})
    assert api_key(loaded) == "hush"
    assert "hush" not in repr(loaded) + str(loaded.model_dump()) + loaded.model_dump_json()


@pytest.mark.parametrize(
    "environ",
    [
        {"CONNECTOR__CONNECTIONS__MAIN": '{"api_key": "hush"'},
        {"CONNECTOR__CONNECTIONS__MAIN": '{"api_key": ["hush"]}'},
        {"CONNECTOR__CONNECTIONS": '["hush"]'},
        {"CONNECTOR__CONNECTIONS__MAIN__API_KEEY": "hush"},
        {"CONNECTOR__CONNECTIONS__MAIN__API_KEY__X": "hush"},
        {"CONNECTOR__STORE__URL": "postgres://u1:hush@host/db"},
    ],
)
def test_a_mistake_in_a_variable_echoes_no_secret(file: Path, environ: dict[str, str]) -> None:
    assert "hush" not in "\n".join(lines(file, environ))


@pytest.mark.parametrize(
    "name", ["", "WEB", "SYNCS", "SYNCS__MAIN", "SYNCS__MAIN__EVENTS", "SYNCS____X", "WEB__PORT__X__Y"]
)
@pytest.mark.parametrize("text", ["", "null", "1", "{", "[]", "{}", "[[]]", '{"x": null}', '"x"', "NaN"])
def test_no_variable_brings_a_traceback(file: Path, name: str, text: str) -> None:
    with contextlib.suppress(SettingsError):
        schema.load(file, {f"CONNECTOR__{name}": text, "CONNECTOR__SYNCS__MAIN__LABEL": "x"})


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    assert lines(Path("other.toml"), {}) == ["other.toml: there is no such file"]


def test_a_file_that_is_not_text_is_told(file: Path) -> None:
    file.write_bytes(b'label = "\xff"')
    assert lines(file, {}) == ["settings.toml: is not UTF-8 text"]


def test_a_secrets_directory_that_is_not_there_is_told(file: Path) -> None:
    assert lines(file, {"CONNECTOR_SECRETS_DIR": "nowhere"}) == [
        "environment: CONNECTOR_SECRETS_DIR: 'nowhere' is not a directory"
    ]


def test_a_secret_file_that_is_not_text_is_told_by_name(file: Path, secrets: Path) -> None:
    (secrets / API_KEY).write_bytes(b"\xff\xfe")
    assert lines(file, {"CONNECTOR_SECRETS_DIR": str(secrets)}) == [f"secrets: {secrets / API_KEY}: is not UTF-8 text"]


def test_a_given_environment_stands_in_for_the_real_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR__WEB__PORT", "1")
    assert schema.load(file, {}).web.port == 8080
    assert schema.load(file).web.port == 1


def test_loading_changes_nothing_in_the_environment(file: Path) -> None:
    before = dict(os.environ)
    schema.load(file, {API_KEY: "hush", "CONNECTOR__WEB__PORT": "1"})
    assert dict(os.environ) == before


def test_a_program_that_lets_the_error_through_shows_no_secret(file: Path) -> None:
    program = "from pathlib import Path; from connector.settings.schema import load; load(Path('settings.toml'))"
    paths = {"PYTHONPATH": str(Path(schema.__file__).parents[2])}
    environ = {**os.environ, **paths, "CONNECTOR__CONNECTIONS__MAIN": '{"api_key": "hush", "region": "asia"}'}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "'asia' is not accepted; give one of us, eu" in done.stderr
    assert "hush" not in done.stderr
