"""What settings.toml may say, and the line that each mistake gets."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connector.errors import SettingsError
from connector.settings import schema
from connector.settings.attribute_transforms import Default, Join
from connector.settings.connection import Connection
from connector.settings.schema import Settings, Sync
from connector.settings.sections import BrokerSettings, StoreSettings, WebSettings
from connector.settings.sync_options import Attribute

CONNECTION = "[connections.main]\n"
SYNC = '[syncs.main]\nconnection = "main"\n'
LEAST = CONNECTION + SYNC
WEBHOOK_KEYS = "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS"

Load = Callable[[str], Settings]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a text as settings.toml, with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    path = Path("settings.toml")

    def loaded(text: str) -> Settings:
        path.write_text(text, "utf-8")
        return schema.load(path, {})

    return loaded


_OTHERWISE = {"Source": "WarehouseSource", "Out": "OutTarget"}


def document_keys() -> set[tuple[str, ...]]:
    """Every key there is, tables included."""
    tables = schema.schema()["$defs"]
    found: set[tuple[str, ...]] = set()
    for section in Settings.model_fields:
        own = (section, "main") if section in ("connections", "syncs", "sources", "out") else (section,)
        name = (section.rstrip("s") if len(own) == 2 else section).capitalize()
        table = tables.get(f"{name}Settings") or tables[_OTHERWISE.get(name, name)]
        found |= {(section,), own, *((*own, key) for key in table["properties"])}
    return found


def default(value: Any) -> Default:
    return Default(default=value)


def toml(value: Any) -> str:
    """A value as inline TOML, which is JSON but for tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(below)}" for key, below in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def mistakes(load: Load, text: str) -> list[str]:
    """The lines that a text gets, without the name of the file, which all of them begin with."""
    with pytest.raises(SettingsError) as caught:
        load(text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith("settings.toml: ") for line in lines)
    return [line.removeprefix("settings.toml: ") for line in lines]


def test_the_least_file_is_one_connection_and_one_sync(load: Load) -> None:
    loaded = load(LEAST)
    assert loaded.syncs == {"main": Sync(name="main", connection="main")}
    assert loaded.connections == {"main": Connection(name="main")}


def test_names_are_the_keys_of_their_tables(load: Load) -> None:
    loaded = load('[connections.eu_2]\n[syncs.trial]\nconnection = "eu_2"\n[syncs.paying]\nconnection = "eu_2"\n')
    assert loaded.connections["eu_2"].name == "eu_2"
    assert [sync.name for sync in loaded.syncs.values()] == ["trial", "paying"]


def test_the_defaults_sync_nobody_and_send_no_event() -> None:
    sync = Sync(connection="main")
    assert (sync.segments, sync.attributes, sync.events) == ((), (), ())
    assert (sync.identifier, sync.identify_by, sync.segment_attribute) == ("external_id", "id", "hull_segment")
    assert (sync.mode, sync.on_exit, sync.on_identifier_change) == ("upsert", "keep", "merge")
    assert (sync.anonymous_events, sync.require_email, sync.convert_dates, sync.deliver) == (False, False, True, True)


@pytest.mark.parametrize(
    ("written", "source", "target"),
    [
        ('"first_name"', "first_name", "first_name"),
        ('"traits_plan"', "traits_plan", "plan"),
        ('"clearbit/employees"', "clearbit/employees", "clearbit-employees"),
        ('"account.name"', "account.name", "account_name"),
        ('"id"', "id", "hull_id"),
        ('{ from = "clearbit/employees" }', "clearbit/employees", "clearbit-employees"),
        ('{ from = "clearbit/employees", to = "employees" }', "clearbit/employees", "employees"),
        ('{ from = "a", to = "With spaces, ünïcode and ."}', "a", "With spaces, ünïcode and ."),
    ],
)
def test_an_attribute_is_a_name_or_a_renaming(load: Load, written: str, source: str, target: str) -> None:
    loaded = load(f"{LEAST}attributes = [{written}]")
    assert loaded.syncs["main"].attributes == (Attribute(source=source, target=target),)


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ('["trim", "lower"]', ("trim", "lower")),
        ('["join"]', ("join",)),
        ('[{ join = "; " }]', (Join(join="; "),)),
        ('[{ default = "none" }]', (Default(default="none"),)),
        ("[{ default = false }, { default = 0 }, { default = 1.5 }]", tuple(map(default, (False, 0, 1.5)))),
        ("[]", ()),
    ],
)
def test_an_attribute_takes_steps(load: Load, written: str, steps: tuple[Any, ...]) -> None:
    (attribute,) = load(f'{LEAST}attributes = [{{ from = "x", transform = {written} }}]').syncs["main"].attributes
    assert attribute == Attribute(source="x", transform=steps)
    assert repr(attribute.transform) == repr(steps)


@pytest.mark.parametrize(
    ("connection", "track", "app"),
    [
        (Connection(), "https://track.customer.io", "https://api.customer.io"),
        (Connection(region="eu"), "https://track-eu.customer.io", "https://api-eu.customer.io"),
        (
            Connection(region="eu", track_url="http://127.0.0.1:8900/"),
            "http://127.0.0.1:8900",
            "https://api-eu.customer.io",
        ),
        (Connection(app_url="https://proxy.test/cio/"), "https://track.customer.io", "https://proxy.test/cio"),
    ],
)
def test_the_addresses_are_those_set_or_the_regions(connection: Connection, track: str, app: str) -> None:
    assert (connection.track_base, connection.app_base) == (track, app)


TYPES = [
    ("deliver = 1", "syncs.main.deliver: 1 is not accepted; give true or false"),
    ('deliver = "yes"', "syncs.main.deliver: 'yes' is not accepted; give true or false"),
    ('segments = "Paying"', 'syncs.main.segments: \'Paying\' is not accepted; give a list such as ["first", "second"]'),
    ("segments = [1]", "syncs.main.segments[0]: 1 is not accepted; give text in quotes"),
    ("identifier = true", "syncs.main.identifier: true is not accepted; give text in quotes"),
    ("label = 2026-01-31", "syncs.main.label: 2026-01-31 is not accepted; give text in quotes"),
    (
        "attributes = [3]",
        "syncs.main.attributes[0]: 3 is not accepted; give text in quotes or a table { from = ..., to = ... }",
    ),
    ("[web]\nport = 80.5", "web.port: 80.5 is not accepted; give a whole number"),
    ('[web]\nport = "80"', "web.port: '80' is not accepted; give a whole number"),
    ("[web]\nport = 65536", "web.port: 65536 is not accepted; give 65535 or less"),
    ('[web]\nhost = ""', "web.host: '' is not accepted; give at least 1 character"),
    ("[intake]\nbatch_messages = 0", "intake.batch_messages: 0 is not accepted; give 1 or more"),
    ("[intake]\nbatch_seconds = 0", "intake.batch_seconds: 0 is not accepted; give more than 0"),
    ("[intake]\nbatch_seconds = inf", "intake.batch_seconds: inf is not accepted; give a finite number"),
    ("[intake]\nbatch_seconds = true", "intake.batch_seconds: true is not accepted; give a number"),
    ('[intake]\nformat = "csv"', "intake.format: 'csv' is not accepted; give one of hull, native, lytics, segment"),
    ('[log]\nlevel = "loud"', "log.level: 'loud' is not accepted; give one of debug, info, warning, error"),
]


OBJECTS = [
    ("type = 1", "[0].type: 1 is not accepted; give text in quotes"),
    (
        'type = "company"',
        "[0].type: 'company' is not accepted; give Customer.io's object_type_id, an integer from 1 in quotes",
    ),
    ('on_exit = "keep"', "[0].type: is missing"),
    ('type = "1"\nfrom = []', "[0].from: an empty list is not accepted; name some of object, group, account"),
    ('type = "1"\nfrom = ["grop"]', "[0].from[0]: 'grop' is not accepted; give one of object, group, account"),
    ('type = "1"\non_exit = "clear"', "[0].on_exit: 'clear' is not accepted; give one of keep, delete"),
    ('type = "1"\natributes = []', "[0].atributes: unknown key; did you mean attributes?"),
    (
        'type = "1"\nattributes = ["a", { from = "b", to = "a" }]',
        "[0].attributes: 'a', 'b' all become 'a'; give each a name of its own: { from = ..., to = ... }",
    ),
    ('type = "1"\n[[syncs.main.objects]]\ntype = "1"', ": '1' is named twice; name it once"),
]


@pytest.mark.parametrize(("text", "line"), OBJECTS)
def test_a_mistake_in_a_type_of_objects_is_told(load: Load, text: str, line: str) -> None:
    found = mistakes(load, f"{LEAST}[[syncs.main.objects]]\n{text}")
    assert [each for each in found if each.startswith("syncs.main.objects")] == [f"syncs.main.objects{line}"]


def test_objects_are_synced_only_where_they_are_named(load: Load) -> None:
    assert load(LEAST).syncs["main"].objects == ()
    (found,) = load(f'{LEAST}[[syncs.main.objects]]\ntype = "2"\nattributes = ["a"]').syncs["main"].objects
    assert (found.type, found.sources, found.identifier, found.on_exit) == ("2", ("object", "group"), "id", "keep")
    assert [each.target for each in found.attributes] == ["a"]


@pytest.mark.parametrize(("text", "line"), TYPES)
def test_a_wrong_type_is_told_with_what_is_accepted(load: Load, text: str, line: str) -> None:
    assert mistakes(load, f"{LEAST}{text}") == [line]


UNKNOWN = [
    (f"{LEAST}identifer = 'x'", ["syncs.main.identifer: unknown key; did you mean identifier?"]),
    (
        f"{LEAST}[log]\ncolour = 'blue'",
        ["log.colour: unknown key; known are level, format"],
    ),
    (f"{LEAST}[sync.main]", ["sync: unknown key; did you mean syncs?"]),
    (
        f"{LEAST}attributes = [{{ from = 'a', too = 'b' }}]",
        ["syncs.main.attributes[0].too: unknown key; did you mean to?"],
    ),
    (f"{LEAST}name = 'main'", ["syncs.main.name: unknown key; the name is main, the key of the table"]),
    (
        f'{CONNECTION}[syncs.Main]\nconnection = "main"',
        [
            "syncs.Main: 'Main' is not accepted; "
            "begin with a lower case letter, go on with those, digits and single underscores"
        ],
    ),
    (
        f'{LEAST}[syncs.a__b]\nconnection = "main"',
        [
            "syncs.a__b: 'a__b' is not accepted; "
            "begin with a lower case letter, go on with those, digits and single underscores"
        ],
    ),
]

CONNECTED = [
    (f"{CONNECTION}[syncs.main]", ["syncs.main.connection: is missing; give one of main"]),
    (
        f'{CONNECTION}[connections.test]\n[syncs.main]\nconnection = "mian"',
        ["syncs.main.connection: 'mian' is not a connection; give one of main, test"],
    ),
    (CONNECTION, ["syncs: there is none; add a table [syncs.main]"]),
    (
        SYNC,
        [
            "connections: there is none; add a table [connections.main]",
            "syncs.main.connection: 'main' is not a connection; there is none yet, add [connections.main]",
        ],
    ),
    (
        "",
        [
            "connections: there is none; add a table [connections.main]",
            "syncs: there is none; add a table [syncs.main]",
        ],
    ),
    (
        "connections = 5\nsyncs = []",
        [
            "connections: 5 is not accepted; give a table",
            "syncs: a list is not accepted; give a table",
            "syncs: there is none; add a table [syncs.main]",
        ],
    ),
    (f"syncs.main = 'x'\n{CONNECTION}", ["syncs.main: what was given is not accepted; give a table"]),
]


@pytest.mark.parametrize(("text", "lines"), UNKNOWN + CONNECTED)
def test_keys_and_tables_that_do_not_fit_together_are_told(load: Load, text: str, lines: list[str]) -> None:
    assert mistakes(load, text) == lines


def test_every_mistake_has_its_line_at_once(load: Load) -> None:
    text = '[connections.main]\nregion = "asia"\n[syncs.main]\nsegmnts = []\non_exit = "x"\nidentifier = "account.id"'
    assert [line.partition(":")[0] for line in mistakes(load, text)] == [
        "connections.main.region",
        "syncs.main.identifier",
        "syncs.main.on_exit",
        "syncs.main.segmnts",
        "syncs.main.connection",
    ]


@pytest.mark.parametrize(
    ("text", "key", "name"),
    [
        (f"{CONNECTION}api_key = 'hush'\n{SYNC}", "connections.main.api_key", "CONNECTOR__CONNECTIONS__MAIN__API_KEY"),
        (f"{CONNECTION}site_id = 'hush'\n{SYNC}", "connections.main.site_id", "CONNECTOR__CONNECTIONS__MAIN__SITE_ID"),
        (
            f"{CONNECTION}app_api_key = 'hush'\n{SYNC}",
            "connections.main.app_api_key",
            "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY",
        ),
        (
            f"{CONNECTION}webhook_keys = ['hush-hush', 'hush-again']\n{SYNC}",
            "connections.main.webhook_keys",
            "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS",
        ),
        (f"{LEAST}[web]\ntoken = 'hush'", "web.token", "CONNECTOR__WEB__TOKEN"),
    ],
)
def test_a_secret_in_the_file_is_refused_unread(load: Load, text: str, key: str, name: str) -> None:
    assert mistakes(load, text) == [
        f"{key}: a secret does not belong in this file; give it as {name}, in the environment or the secrets directory"
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{CONNECTION}api_key = ['hush']\n{SYNC}",
        f"{CONNECTION}webhook_keys = ['hush', {{ a = 'hush' }}, 'hush']\n{SYNC}",
        f"{CONNECTION}api_key = 'hush'\nregion = 'asia'\n{SYNC}",
        f"{CONNECTION}api_keey = 'hush'\n{SYNC}",
        f"[[connections]]\napi_key = 'hush'\n{SYNC}",
        f"connections = 'hush'\n{SYNC}",
        f"{LEAST}[broker]\nurl = 'kafka://u1:hush@host'",
    ],
)
def test_no_mistake_echoes_a_secret(load: Load, text: str) -> None:
    assert "hush" not in "\n".join(mistakes(load, text))


def test_no_secret_shows_when_settings_are_printed_or_dumped() -> None:
    hidden = Settings(
        store=StoreSettings(url="postgresql+psycopg://u1:hush@db/x"),
        broker=BrokerSettings(url="amqps://u1:hush@queue"),
        web=WebSettings(token=SecretStr("hush")),
        connections={
            "main": Connection(
                site_id=SecretStr("hush"),
                api_key=SecretStr("hush"),
                app_api_key=SecretStr("hush"),
                webhook_keys=(SecretStr("hush-hush"), SecretStr("hush-again")),
            )
        },
    )
    for shown in (repr(hidden), str(hidden), repr(hidden.store), str(hidden.model_dump()), hidden.model_dump_json()):
        assert "hush" not in shown
    assert hidden.store.url == "postgresql+psycopg://u1:hush@db/x"


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ("first-key", ["first-key"]),
        ("first-key, second-key", ["first-key", "second-key"]),
        ('["first-key", "second-key"]', ["first-key", "second-key"]),
        ("1234567890", ["1234567890"]),
        ("", []),
    ],
)
def test_webhook_keys_come_from_one_variable(tmp_path: Path, given: str, keys: list[str]) -> None:
    (tmp_path / "settings.toml").write_text(LEAST)
    settings = schema.load(tmp_path / "settings.toml", {WEBHOOK_KEYS: given})
    assert [each.get_secret_value() for each in settings.connections["main"].webhook_keys] == keys


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("one-key1,two-key2,three-key3", "give at most 2"),
        ("hush", "a key of fewer than 8 characters"),
        ("[1, 2]", "give text in quotes"),
    ],
)
def test_webhook_keys_that_are_none_are_refused_unread(tmp_path: Path, given: str, said: str) -> None:
    (tmp_path / "settings.toml").write_text(LEAST)
    with pytest.raises(SettingsError) as caught:
        schema.load(tmp_path / "settings.toml", {WEBHOOK_KEYS: given})
    text = str(caught.value)
    assert (WEBHOOK_KEYS in text, said in text, given in text) == (True, True, False)


def test_no_secret_shows_when_a_model_refuses_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Connection.model_validate({"api_key": {"key": "hush"}, "secret": "hush"})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[syncs.main\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 12)"),
        ("a = 1\na = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 6)"),
        ("\n\na = yes\n", "is not TOML: Invalid value (at line 3, column 5)"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(load: Load, text: str, line: str) -> None:
    assert mistakes(load, text) == [line]


ODD = [True, -1, 0, 1.5, "", "x", "nul\0", [], ["x"], [[]], [{}], {}, {"x": {"y": 1}}]


@pytest.mark.parametrize("path", sorted(document_keys()), ids=".".join)
def test_no_value_of_any_key_brings_a_traceback(load: Load, path: tuple[str, ...]) -> None:
    for value in ODD:
        values: dict[str, Any] = {"connections": {"main": {}}, "syncs": {"main": {"connection": "main"}}}
        table = values
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
        with contextlib.suppress(SettingsError):
            load("\n".join(f"{key} = {toml(value)}" for key, value in values.items()))


def test_settings_cannot_be_changed(load: Load) -> None:
    loaded = load(LEAST)
    with pytest.raises(ValidationError):
        loaded.store.url = "sqlite:///other.db"
    with pytest.raises(ValidationError):
        loaded.syncs["main"].identifier = "email"


def test_settings_built_in_code_do_not_look_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB", '{"port": 1}')
    monkeypatch.setenv("CONNECTOR__WEB__PORT", "1")
    assert Settings().web.port == 8080


@pytest.mark.parametrize(
    ("connections", "syncs", "missing"),
    [
        ({"a": Connection()}, {"s": Sync(connection="a", deliver=False)}, []),
        ({"a": Connection()}, {}, []),
        (
            {"a": Connection(), "b": Connection()},
            {"s": Sync(connection="b"), "t": Sync(connection="b")},
            ["CONNECTOR__CONNECTIONS__B__SITE_ID", "CONNECTOR__CONNECTIONS__B__API_KEY"],
        ),
        (
            {"a": Connection(site_id=SecretStr("x"), api_key=SecretStr(" \n"))},
            {"s": Sync(connection="a")},
            ["CONNECTOR__CONNECTIONS__A__API_KEY"],
        ),
        ({"a": Connection(site_id=SecretStr("x"), api_key=SecretStr("y"))}, {"s": Sync(connection="a")}, []),
    ],
)
def test_credentials_are_missed_only_where_something_is_delivered(
    connections: dict[str, Connection], syncs: dict[str, Sync], missing: list[str]
) -> None:
    assert schema.missing_credentials(Settings(connections=connections, syncs=syncs)) == missing
