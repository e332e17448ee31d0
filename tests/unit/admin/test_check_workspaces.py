"""What `connector check` says of syncs that deliver to one workspace."""

from collections.abc import Mapping
from typing import Any

from connector.admin import check_workspaces
from connector.audience.rules import Rules
from connector.settings.schema import Settings
from tests.build_settings import build

MAIN: Mapping[str, Any] = {"connection": "main", "segments": ["Paying"], "attributes": ["plan"], "on_exit": "delete"}
OTHER = {**MAIN, "segments": ["Trial"], "attributes": ["city"], "segment_attribute": "trials"}


def told(**other: Any) -> list[str]:
    settings = build(syncs={"main": MAIN, "other": {**OTHER, **other}})
    return [text for name, text in check_workspaces.doubts(settings) if name == "other"]


def test_syncs_that_send_different_attributes_are_no_doubt() -> None:
    assert told() == []


def test_syncs_that_send_one_attribute_from_the_same_field_are_no_doubt() -> None:
    assert told(attributes=["plan"]) == []


def test_one_attribute_from_two_fields_is_told() -> None:
    [text] = told(attributes=[{"from": "tariff", "to": "plan"}])
    assert text.startswith("'plan' is sent otherwise by syncs.main")


def test_an_attribute_that_one_sync_keeps_as_last_sent_is_told() -> None:
    [text] = told(attributes=["plan"], on_exit="keep")
    assert "a resync of that one sends again what it last sent" in text


def test_two_ways_to_change_an_identifier_are_told() -> None:
    [text] = told(on_identifier_change="keep")
    assert text.startswith("on_identifier_change is keep, and merge in syncs.main")


def test_a_sync_that_does_not_deliver_is_no_doubt() -> None:
    assert told(attributes=[{"from": "tariff", "to": "plan"}], deliver=False) == []


def connections(**sites: str) -> Settings:
    keyed = {name: {"site_id": site, "api_key": "k"} for name, site in sites.items()}
    return build(connections=keyed, syncs={name: {**MAIN, "connection": name} for name in sites})


def test_two_connections_of_one_site_id_are_one_workspace() -> None:
    settings = connections(main="s-1", twin="s-1", third="s-2")
    assert {rules.name: rules.beside for rules in Rules.all_of(settings)} == {
        "main": ("twin",),
        "twin": ("main",),
        "third": (),
    }
    assert list(check_workspaces.alike({"main": 1, "twin": 1, "third": 2}, settings)) == []


def test_two_site_ids_of_one_workspace_are_told() -> None:
    [(name, text)] = check_workspaces.alike({"main": 1, "third": 1}, connections(main="s-1", third="s-2"))
    assert name == "third"
    assert text.startswith("it leads to workspace 1, as connections.main does by another site id")
