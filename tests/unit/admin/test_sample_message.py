"""The message that one begins to try with: somebody invented whom the settings take, in each of the forms."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector import formats
from connector.admin.preview import sample_message
from connector.admin.preview.preview import Preview, Previewer
from connector.audience.rules import Rules
from connector.settings.schema import Settings, load
from tests.build_settings import build

SHIPPED = load(Path("settings.toml"), environ={})
IDENTIFIERS = {"hull": "external_id", "native": "external_id", "segment": "external_id", "lytics": "user_id"}


def tried(format: str, settings: Settings) -> list[Preview]:
    (sync,) = settings.syncs.values()
    text = sample_message.text(format, sync)
    assert "example" in text
    return list(Previewer(Rules.all_of(settings)).preview(formats.read(format, text.encode())))


def sent(previews: list[Preview]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in previews:
        assert not each.problems, each.problems
        for operation in each.operations:
            found |= operation.get("attributes", {}) if operation["action"] == "identify" else {}
    return found


@pytest.mark.parametrize("format", formats.NAMES)
def test_the_shipped_settings_take_the_message_and_send_each_attribute(format: str) -> None:
    found = tried(format, SHIPPED)
    assert found[-1].decision == "sync", found
    names = {each.target for each in SHIPPED.syncs["main"].attributes if not each.source.startswith("account.")}
    assert names - {"email"} <= sent(found).keys()


@pytest.mark.parametrize("format", formats.NAMES)
@pytest.mark.parametrize(
    "sync",
    [
        {"segments": ["*"], "attributes": ["*"], "events": []},
        {"segments": ["Paying"], "attributes": [], "events": ["*"]},
        {"identifier": "email", "identify_by": "email", "events": ["page"]},
        {"identifier": "id", "attributes": ["account"]},
        {"identify_by": "id_or_email", "require_email": True},
        {
            "attributes": [
                {"from": "spent", "transform": ["number"]},
                {"from": "is_vip", "transform": ["boolean"]},
                {"from": "born", "transform": ["date"]},
                {"from": "tags", "transform": [{"join": "; "}]},
                "clearbit/employees",
                "account.plan",
            ]
        },
    ],
    ids=["everything", "nothing", "by e-mail", "by the key", "id or e-mail", "steps"],
)
def test_settings_of_every_kind_take_the_message_without_a_problem(format: str, sync: dict[str, Any]) -> None:
    found = tried(format, build(sync={"identifier": IDENTIFIERS[format], **sync}))
    assert {each.decision for each in found} & {"sync"}, found
    assert not any(each.problems for each in found), found


def test_the_message_of_each_form_is_json_of_that_form() -> None:
    (sync,) = SHIPPED.syncs.values()
    for format in formats.NAMES:
        json.loads(sample_message.text(format, sync))
        assert all(not each.reason.startswith("unreadable") for each in tried(format, SHIPPED))
