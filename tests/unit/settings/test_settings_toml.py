"""settings.toml, the manual, and docs/settings.schema.json: both say what the models say."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.settings.schema import schema as settings
from connector.settings.schema import Connection, Settings, Sync
from connector.settings.sync_options import Attribute
from connector.settings.sections import Delivery

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "settings.toml"
SCHEMA = ROOT / "docs" / "settings.schema.json"

CONNECTION = "[connections.main]\n"
LEAST = CONNECTION + '[syncs.main]\nconnection = "main"\n'


def uncommented(text: str) -> str:
    """The manual with every `# key = value` switched on."""
    return re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)


def keys(values: dict[str, Any], *path: str) -> set[tuple[str, ...]]:
    """Every key of nested tables."""
    below = (keys(value, *path, key) if isinstance(value, dict) else {(*path, key)} for key, value in values.items())
    return set().union(*below)


def default_of(path: tuple[str, ...]) -> Any:
    """The default of a key; for an address, the one that the region gives."""
    usual = Settings(connections={"main": Connection()}, syncs={"main": Sync(connection="main")})
    names = {"track_url": "track_base", "app_url": "app_base"}
    value: Any = usual
    for key in path:
        value = value[key] if isinstance(value, dict) else getattr(value, names.get(key, key))
    return value


def test_the_manual_ships_with_a_sync_that_deletes_on_exit() -> None:
    main = settings.load(MANUAL, {}).syncs["main"]
    assert main.segments == ("Active trial", "Paying")
    assert main.events == ("Signed up", "Plan changed", "page")
    assert main.on_exit == "delete"
    assert main.attributes[-2:] == (
        Attribute(source="clearbit/employees", target="employees"),
        Attribute(source="account.name", target="account_name"),
    )


def test_what_the_manual_leaves_commented_out_is_the_default() -> None:
    text = MANUAL.read_text("utf-8")
    spelt, given = tomllib.loads(uncommented(text)), tomllib.loads(text)
    left_out = keys(spelt) - keys(given)
    assert len(left_out) > 20
    for path in left_out:
        value: Any = spelt
        for key in path:
            value = value[key]
        default = default_of(path)
        assert value == (list(default) if isinstance(default, tuple) else default), path


def test_the_manual_names_every_key_but_the_secrets() -> None:
    spelt = keys(tomllib.loads(uncommented(MANUAL.read_text("utf-8"))))
    usual = Settings(connections={"main": Connection()}, syncs={"main": Sync(connection="main")})
    connection = {("connections", "main", key) for key in ("site_id", "api_key", "app_api_key")}
    secrets = {("web", "token"), ("web", "segment_secret"), *connection}
    own_names = {("connections", "main", "name"), ("syncs", "main", "name")}
    assert spelt == keys(usual.model_dump()) - secrets - own_names


def test_the_manual_with_everything_switched_on_loads(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(uncommented(MANUAL.read_text("utf-8")), "utf-8")
    assert settings.load(path, {}).delivery == Delivery()


def test_the_manual_says_how_to_give_each_secret() -> None:
    text = MANUAL.read_text("utf-8")
    for key in ("SITE_ID", "API_KEY", "APP_API_KEY"):
        assert f"CONNECTOR__CONNECTIONS__MAIN__{key} " in text
    for key in ("TOKEN", "SEGMENT_SECRET"):
        assert f"CONNECTOR__WEB__{key} " in text


def test_editors_find_the_schema_in_the_first_line() -> None:
    first = MANUAL.read_text("utf-8").splitlines()[0]
    assert first == "#:schema ./docs/settings.schema.json"
    assert (ROOT / first.removeprefix("#:schema ")) == SCHEMA


def test_the_schema_in_the_repository_is_the_one_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == settings.schema(), (
        "write it again: python -c 'import json; from connector import settings; "
        "print(json.dumps(settings.schema(), indent=2))' > docs/settings.schema.json"
    )


def test_the_schema_accepts_the_manual_as_shipped_and_switched_on() -> None:
    jsonschema.Draft202012Validator.check_schema(settings.schema())
    text = MANUAL.read_text("utf-8")
    for manual in (text, uncommented(text)):
        jsonschema.validate(tomllib.loads(manual), settings.schema())


def test_the_schema_accepts_every_step_of_an_attribute() -> None:
    steps = """["lower", "upper", "trim", "number", "boolean", "date", "text", "join", { join = "; " },
               { default = "x" }, { default = 1 }, { default = 1.5 }, { default = true }]"""
    written = f"{LEAST}attributes = [{{ from = 'x', transform = {steps} }}]"
    jsonschema.validate(tomllib.loads(written), settings.schema())


@pytest.mark.parametrize(
    "text",
    [
        "[syncs.main]",
        f"{LEAST}identifer = 'x'",
        f"{LEAST}name = 'main'",
        f"{LEAST}identify_by = 'phone'",
        f"{LEAST}attributes = [3]",
        f"{LEAST}attributes = [{{ from = 'x', transform = ['lowr'] }}]",
        f"{LEAST}attributes = [{{ from = 'x', transform = [{{ join = 5 }}] }}]",
        f"{CONNECTION}api_key = 'x'",
        "[connections.Main]",
        "[web]\ntoken = 'x'",
        "[web]\nport = '80'",
    ],
)
def test_the_schema_refuses_what_loading_refuses(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), settings.schema())


def test_every_key_says_what_it_is_for() -> None:
    document = settings.schema()
    for name, table in document["$defs"].items():
        for key, value in table.get("properties", {}).items():
            assert value.get("description"), (name, key)
