"""settings.toml, the manual, and docs/settings.schema.json: both say what the models say."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from connector.settings import schema
from connector.settings.connection import Connection
from connector.settings.schema import Settings, Sync
from connector.settings.sections import DeliverySettings
from connector.settings.sync_options import Attribute
from tests import settings_schema

ROOT = Path(__file__).parents[3]
MANUAL = ROOT / "settings.toml"
SCHEMA = ROOT / "docs" / "settings.schema.json"

CONNECTION = "[connections.main]\n"
LEAST = CONNECTION + '[syncs.main]\nconnection = "main"\n'


def uncommented(text: str) -> str:
    """The manual with every `# key = value` switched on."""
    return re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)


class Sample(NamedTuple):
    """A commented sample of the manual: its first line and the line behind it, counted from 0, and its text."""

    begin: int
    end: int
    text: str


def samples() -> list[Sample]:
    """The comments indented by four spaces that begin as TOML does."""
    lines = MANUAL.read_text("utf-8").splitlines()
    found: list[Sample] = []
    for n, line in enumerate(lines):
        if re.match(r"#     (\[|\w+ = )", line) and (not found or n >= found[-1].end):
            end = next(m for m in range(n, len(lines)) if not re.match(r"#($|     )", lines[m]))
            found.append(Sample(n, end, "\n".join(each[6:] for each in lines[n:end])))
    return found


def with_sample(sample: Sample) -> str:
    """The manual with a sample switched on in its place; a single key takes the place of the one that is given."""
    lines = MANUAL.read_text("utf-8").splitlines()
    if not sample.text.startswith("["):
        key = re.match(r"\w+", sample.text)
        assert key is not None
        text = re.sub(
            rf"^{key[0]} = (\[\n.*?^\]|[^\n]*)$", "", MANUAL.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        lines = text.splitlines()
        at = lines.index(f"#     {sample.text.strip()}")
        return "\n".join([*lines[:at], sample.text, *lines[at + 1 :]])
    return "\n".join([*lines[: sample.begin], sample.text, *lines[sample.end :]])


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
    main = schema.load(MANUAL, {}).syncs["main"]
    assert main.segments == ("Active trial", "Paying")
    assert [each.name for each in main.events] == ["Signed up", "Plan changed", "page"]
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
    connection = {("connections", "main", key) for key in ("site_id", "api_key", "app_api_key", "webhook_keys")}
    secrets = {("web", "token"), ("web", "tokens"), ("web", "segment_secret"), ("web", "metrics_token"), *connection}
    secrets |= {("alerts", "heartbeat_url"), ("console", "secret"), ("console", "read_url")}
    secrets |= {("console", "oidc", "client_secret"), ("telemetry", "headers")}
    own_names = {("connections", "main", "name"), ("syncs", "main", "name")}
    assert spelt == keys(usual.model_dump()) - secrets - own_names


def test_the_manual_with_everything_switched_on_loads(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(uncommented(MANUAL.read_text("utf-8")), "utf-8")
    assert schema.load(path, {}).delivery == DeliverySettings()


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: f"line {sample.begin + 1}")
def test_each_sample_switched_on_is_toml_and_is_accepted(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(with_sample(sample), "utf-8")
    before, after = schema.load(MANUAL, {}), schema.load(path, {})
    assert after != before
    settings_schema.check(path.read_text("utf-8"))


def test_the_samples_are_found() -> None:
    wanted = {"attributes = ", "events = ", "manual_segments = ", "suppress_when = ", "columns = "}
    wanted |= {"[[syncs.main.actions]]", "[[syncs.main.objects]]", "[sources.customers]"}
    assert {start for start in wanted for each in samples() if each.text.startswith(start)} == wanted


def test_the_manual_says_how_to_give_each_secret() -> None:
    text = MANUAL.read_text("utf-8")
    for key in ("SITE_ID", "API_KEY", "APP_API_KEY", "WEBHOOK_KEYS"):
        assert f"CONNECTOR__CONNECTIONS__MAIN__{key} " in text
    for key in ("TOKEN", "SEGMENT_SECRET"):
        assert f"CONNECTOR__WEB__{key} " in text


def test_editors_find_the_schema_in_the_first_line() -> None:
    first = MANUAL.read_text("utf-8").splitlines()[0]
    assert first == "#:schema ./docs/settings.schema.json"
    assert (ROOT / first.removeprefix("#:schema ")) == SCHEMA


def test_the_schema_in_the_repository_is_the_one_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == schema.schema(), (
        "write it again: python -c 'import json; from connector import settings; "
        "print(json.dumps(settings.schema(), indent=2))' > docs/settings.schema.json"
    )


def test_the_schema_accepts_the_manual_as_shipped_and_switched_on() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())
    text = MANUAL.read_text("utf-8")
    for manual in (text, uncommented(text)):
        settings_schema.check(manual)


def test_the_schema_accepts_every_step_of_an_attribute() -> None:
    steps = """["lower", "upper", "trim", "number", "boolean", "date", "text", "join", { join = "; " },
               { default = "x" }, { default = 1 }, { default = 1.5 }, { default = true }]"""
    written = f"{LEAST}attributes = [{{ from = 'x', transform = {steps} }}]"
    settings_schema.check(written)


def test_the_schema_accepts_steps_of_an_events_properties() -> None:
    written = (
        f"{LEAST}events = ['a', {{ name = 'b' }}, {{ name = 'c', transform = {{ x = ['trim', {{ default = 1 }}] }} }}]"
    )
    settings_schema.check(written)


@pytest.mark.parametrize(
    "text",
    [
        "[syncs.main]",
        f"{LEAST}events = [{{ name = 'x', transform = {{ total = ['numbr'] }} }}]",
        f"{LEAST}events = [{{ name = 'x', transform = ['number'] }}]",
        f"{LEAST}events = [{{ transform = {{ total = ['number'] }} }}]",
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
        settings_schema.check(text)


def test_every_key_says_what_it_is_for() -> None:
    document = schema.schema()
    for name, table in document["$defs"].items():
        for key, value in table.get("properties", {}).items():
            assert value.get("description"), (name, key)
