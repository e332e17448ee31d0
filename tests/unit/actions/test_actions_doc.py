"""docs/actions.md: its tables are what the code does, its examples are settings that load and do what they say."""

import re
import tomllib
from pathlib import Path

import pytest

from connector.actions.action import Action
from connector.actions.defaults import DEFAULTS
from connector.actions.effects import EFFECTS, ActionEffect
from connector.actions.template import TemplateObject, TemplateSource
from connector.settings.schema import Sync

PAGE = (Path(__file__).parents[3] / "docs" / "actions.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def worded(template: TemplateSource | TemplateObject) -> str:
    if not isinstance(template, TemplateObject):
        return ", else ".join(f"`{each}`" for each in template)
    return ", else ".join(f"all of `{each}`" for each in template.whole)


def row_of_default(action: Action) -> str:
    templates = ((field.name, action.template.get(field.name, field.default)) for field in action.effect.fields)
    values = "; ".join(f"{name}: {worded(each)}" for name, each in templates if each not in ((), TemplateObject()))
    return f"| {action.when} | `{action.effect.name}` | {values} |"


def row_of_effect(effect: ActionEffect) -> str:
    fields = ", ".join(f"**{each.name}**" if each.required else each.name for each in effect.fields)
    return f"| `{effect.name}` | {effect.about} | {fields} |"


def rows_under(heading: str) -> list[str]:
    """The rows of the first table under a heading, without its head."""
    lines = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    return [" ".join(line.split()) for line in lines if line.startswith("|")][2:]


def test_the_table_of_defaults_is_the_codes() -> None:
    assert rows_under("What calls do by default") == [" ".join(row_of_default(each).split()) for each in DEFAULTS]


def test_the_table_of_what_can_be_done_is_the_codes() -> None:
    assert rows_under("What can be done") == [" ".join(row_of_effect(each).split()) for each in EFFECTS.values()]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str) -> None:
    sync = tomllib.loads(example)["syncs"]["main"]
    assert Sync.model_validate({"connection": "main", **sync}).actions


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 3
