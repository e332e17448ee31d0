"""What `[[syncs.NAME.actions]]` accepts, the line that each mistake gets, and what `connector check` warns of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.actions.effects import EFFECTS
from connector.admin.check_actions import doubts
from connector.errors import SettingsError
from connector.settings import schema
from connector.settings.schema import Settings
from tests import settings_schema
from tests.build_settings import rules

LEAST = '[connections.main]\n[syncs.main]\nconnection = "main"\n'
DO = ", ".join(EFFECTS)
PATH = "give a path into the call, such as traits.email or context.device.token"
SOURCE = "give a path, a list of paths, or { value = ... } with text, a number, true or false"
ONE_CHECK = "a condition has a field and one of is, is_not, exists"

Load = Callable[[str], Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a sync with one action, given as the inside of a table."""
    path = tmp_path / "settings.toml"

    def loaded(action: str) -> Settings:
        path.write_text(f"{LEAST}actions = [{{ {action} }}]\n", "utf-8")
        return schema.load(path, {})

    return loaded


@pytest.mark.parametrize(
    "action",
    [
        "when = {}, do = 'ignore'",
        "when = { type = ['page', 'screen'] }, do = 'track', map = { name = 'name' }",
        "when = { event = ['A', 'B'], where = [{ field = 'a', is = [1, 'x', true] }] }, do = 'track'",
        "when = { where = [{ field = 'a.b c.0', exists = false }, { field = 'a', is_not = 1.5 }] }, do = 'identify'",
        "when = {}, do = 'enter_segment', map = { segment = ['a.b', { value = 'x' }] }",
        "when = {}, do = 'identify', map = { attributes = { '*' = ['a', 'b'], c = { value = 1 }, d = ['e', 'f'] } }",
        "when = {}, do = 'identify', map = { attributes = {} }",
    ],
)
def test_what_is_accepted_by_loading_and_by_the_schema(load: Load, action: str) -> None:
    (loaded,) = load(action).syncs["main"].actions
    assert loaded.ready("actions[0]").effect.name == loaded.do
    settings_schema.check(f"{LEAST}actions = [{{ {action} }}]")


@pytest.mark.parametrize(
    ("action", "line"),
    [
        ("when = {}, do = 'enter_segmnt'", ".do: 'enter_segmnt' is not accepted; did you mean enter_segment?"),
        ("when = {}, do = 'fly'", f".do: 'fly' is not accepted; give one of {DO}"),
        ("do = 'ignore'", ".when: is missing"),
        ("when = {}", ".do: is missing"),
        ("when = {}, do = 'ignore', if = 1", ".if: unknown key; known are when, do, map"),
        ("when = { evnt = 'x' }, do = 'page'", ".when.evnt: unknown key; did you mean event?"),
        (
            "when = { type = 'trak' }, do = 'ignore'",
            ".when.type: 'trak' is not accepted; give one of identify, track, page, screen, group, delete",
        ),
        ("when = { type = [] }, do = 'ignore'", ".when.type: an empty list is not accepted; leave it out"),
        (
            "when = { event = 5 }, do = 'ignore'",
            ".when.event: 5 is not accepted; give text in quotes, or a list of texts",
        ),
        (
            "when = { type = 'page', event = 'x' }, do = 'page'",
            ".when.event: is for calls of the type track, and type is page; ask for names of others with where",
        ),
        (
            "when = { where = [{ field = 'a.', is = 1 }] }, do = 'page'",
            f".when.where[0].field: 'a.' is not accepted; {PATH}",
        ),
        ("when = { where = [{ field = 'a' }] }, do = 'page'", f".when.where[0]: {ONE_CHECK}"),
        ("when = { where = [{ field = 'a', is = 1, exists = true }] }, do = 'page'", f".when.where[0]: {ONE_CHECK}"),
        (
            "when = { where = [{ field = 'a', is = [] }] }, do = 'page'",
            ".when.where[0].is: a list is not accepted; give text, a number, true, false, or a list of them",
        ),
        (
            "when = { where = [{ field = 'a', exists = 'yes' }] }, do = 'page'",
            ".when.where[0].exists: 'yes' is not accepted; give true or false",
        ),
        ("when = {}, do = 'track', map = { nme = 'x' }", ".map: 'nme' is no field of do = 'track'; did you mean name?"),
        ("when = {}, do = 'ignore', map = { name = 'x' }", ".map: 'name' is no field of do = 'ignore'; it has none"),
        ("when = {}, do = 'track', map = 5", ".map: 5 is not accepted; give a table { FIELD = PATH }"),
        ("when = {}, do = 'track', map = { name = 'a..b' }", f".map: name: 'a..b' is not accepted; {PATH}"),
        (
            "when = {}, do = 'track', map = { name = '$.event' }",
            ".map: name: '$.event' is not accepted; give the path without $: traits.email",
        ),
        ("when = {}, do = 'track', map = { name = [] }", ".map: name: a list is not accepted; give at least one path"),
        ("when = {}, do = 'track', map = { name = { vlue = 1 } }", f".map: name: a table is not accepted; {SOURCE}"),
        ("when = {}, do = 'track', map = { name = { value = nan } }", f".map: name: a table is not accepted; {SOURCE}"),
        (
            "when = {}, do = 'identify', map = { attributes = { plan = 5 } }",
            f".map: attributes.plan: 5 is not accepted; {PATH}",
        ),
        (
            "when = {}, do = 'identify', map = { attributes = { '*' = { value = 5 } } }",
            f".map: attributes.*: a table is not accepted; {PATH}",
        ),
        (
            "when = {}, do = 'enter_segment'",
            ".map: segment is missing; say where do = 'enter_segment' takes it from",
        ),
        (
            "when = { type = ['page', 'track'] }, do = 'track'",
            ".map: name is missing; say where do = 'track' takes it from",
        ),
    ],
)
def test_each_mistake_gets_a_line(load: Load, action: str, line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(action)
    (told,) = str(caught.value).splitlines()
    assert told.partition("settings.toml: syncs.main.actions[0]")[2] == line


@pytest.mark.parametrize(
    "action",
    [
        "when = {}, do = 'fly'",
        "do = 'ignore'",
        "when = { type = 'trak' }, do = 'ignore'",
        "when = { event = 5 }, do = 'ignore'",
        "when = { where = [{ field = 'a', is = [] }] }, do = 'page'",
        "when = {}, do = 'track', map = { name = [] }",
        "when = {}, do = 'track', map = { name = 5 }",
    ],
)
def test_the_schema_refuses_what_loading_refuses(load: Load, action: str) -> None:
    with pytest.raises(SettingsError):
        load(action)
    with pytest.raises(jsonschema.ValidationError):
        settings_schema.check(f"{LEAST}actions = [{{ {action} }}]")


# ---- Doubts ----------------------------------------------------------------------------------------------------------


def act(do: str, when: Any = None, **map: Any) -> dict[str, Any]:
    return {"when": when or {}, "do": do, "map": map}


def not_named(kind: str, name: str, end: str = "it is not sent") -> str:
    return f"actions[0]: `{kind}` does not name {name!r}: {end}"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (act("track", {"event": ["Signed up", "Bought"]}), not_named("events", "Bought")),
        (act("track", {"event": "Bought"}, name={"value": "Signed up"}), None),
        (
            act("track", {"event": "Signed up"}, name=["properties.name", {"value": "Other"}]),
            not_named("events", "Other"),
        ),
        (act("track", name="properties.name"), None),
        (act("screen"), not_named("events", "screen")),
        (act("page"), None),
        (
            act("identify", attributes={"plan": "properties.plan", "tier": "properties.tier"}),
            not_named("attributes", "tier"),
        ),
        (act("identify", attributes={"external_id": "traits.crm", "email": "traits.mail"}), None),
        (act("enter_segment", segment={"value": "Paying"}), None),
        (
            act("enter_segment", segment={"value": "Payng"}),
            not_named("segments", "Payng", "nobody comes into the audience by it"),
        ),
        (
            act("add_device", token="propertys.token"),
            "actions[0]: propertys.token begins with no field that calls of the Segment spec usually have",
        ),
        (
            act("ignore", {"where": [{"field": "contxt.ip", "exists": True}]}),
            "actions[0]: contxt.ip begins with no field that calls of the Segment spec usually have",
        ),
    ],
)
def test_what_can_hardly_be_meant_is_told(action: dict[str, Any], told: str | None) -> None:
    assert list(doubts(rules(actions=[action]))) == ([told] if told else [])


def test_no_actions_at_all_are_told() -> None:
    (told,) = doubts(rules(default_actions=False))
    assert told == "default_actions = false, and no actions: calls of the Segment spec do nothing here"
    assert list(doubts(rules())) == []
