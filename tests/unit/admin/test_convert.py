"""The settings of Hull's connector as a settings.toml of ours."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.admin.hull_import.convert import KNOWN, LIMITS, imported
from connector.errors import UnreadableError
from connector.settings import schema
from connector.settings.schema import Settings, Sync
from tests.build import thorough

LEAST: dict[str, Any] = {"synchronized_segments": []}
WHOLE: dict[str, Any] = {
    "site_id": "hush-site",
    "api_key": "hush-key",
    "synchronized_segments": ["s-1", "s-2"],
    "enable_user_deletion": True,
    "events_filter": ["Signed up", "page"],
    "anonymous_events": True,
    "user_id_mapping": "traits_number",
    "synchronized_attributes": ["first_name", "clearbit/employees", "account.name", "id"],
}


def sync(document: Any) -> Sync:
    """The sync of the file that is made of a document."""
    return Settings(**tomllib.loads(imported(document).text)).syncs["main"]


def names(found: Sync) -> tuple[str, ...]:
    """The events that a sync sends."""
    return tuple(each.name for each in found.events)


def sources(**private: Any) -> list[str]:
    return [attribute.source for attribute in sync(private).attributes]


# --- what becomes of each setting ------------------------------------------------------------------------------------


def test_every_setting_is_taken_along() -> None:
    found = sync(WHOLE)
    assert found.segments == ("s-1", "s-2")
    assert (found.on_exit, found.anonymous_events, names(found)) == ("delete", True, ("Signed up", "page"))
    assert (found.identifier, found.identify_by) == ("traits_number", "id")
    assert [attribute.target for attribute in found.attributes] == [
        "email", "created_at", "first_name", "clearbit-employees", "account_name", "hull_id",
    ]  # fmt: skip
    assert imported(WHOLE).warnings == ()


def test_what_hull_did_without_a_setting_is_a_setting_here() -> None:
    found = sync(LEAST)
    assert found.require_email
    assert found.segment_attribute == "hull_segments"
    assert found.convert_dates
    assert [attribute.target for attribute in found.attributes] == ["email", "created_at"]


def test_settings_may_stand_under_the_headings_of_hulls_page() -> None:
    found = imported({
        "Customer.io Site ID": "hush",
        "User Filter": ["s-1"],
        "Enable  user deletion": True,
        "Events Filter": ["Signed up"],
        "Send Anonymous Events": False,
        "Which user attribute to send as 'customerId'": "id",
        "Attribute List": ["plan"],
    })  # fmt: skip
    same = {"synchronized_segments": ["s-1"], "enable_user_deletion": True, "events_filter": ["Signed up"]}
    same |= {"anonymous_events": False, "user_id_mapping": "id", "synchronized_attributes": ["plan"]}
    assert found == imported({"site_id": "hush", **same})
    assert found.warnings == ()


def test_what_was_not_set_has_hulls_default() -> None:
    found = sync({"private_settings": {}})
    assert (found.segments, names(found), found.on_exit, found.identifier) == ((), (), "keep", "external_id")
    assert not found.anonymous_events


@pytest.mark.parametrize("name", [*KNOWN[:8], "email", "region"])
def test_each_setting_has_its_comment(name: str) -> None:
    lines = imported(WHOLE).text.splitlines()
    assert [line for line in lines if line.startswith("# Hull:") and (name in line or name == "region")]


def test_a_comment_says_which_settings_hull_did_not_have_set() -> None:
    text = imported(LEAST).text
    assert "# Hull: synchronized_segments, the whitelist" in text
    assert "# Hull: enable_user_deletion (not set)." in text
    assert "(not set)" not in imported(WHOLE).text


def test_credentials_are_named_and_not_written() -> None:
    found = imported(WHOLE)
    assert "hush" not in found.text + "".join(found.warnings)
    for name in ("SITE_ID", "API_KEY"):
        assert f"#     CONNECTOR__CONNECTIONS__MAIN__{name}\n" in found.text


@pytest.mark.parametrize(
    ("given", "on_exit"),
    [(True, "delete"), ("true", "delete"), (" TRUE ", "delete"), (False, "keep"), ("false", "keep"), (None, "keep")],
)
def test_deletion_is_an_exit(given: Any, on_exit: str) -> None:
    assert sync({"enable_user_deletion": given}).on_exit == on_exit


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ([], ["email", "created_at"]),
        (None, ["email", "created_at"]),
        (["plan", "plan", " plan "], ["email", "created_at", "plan"]),
        (["plan", "traits_plan"], ["email", "created_at", "traits_plan"]),
        (["email", "created_at"], ["email", "created_at"]),
        (["account", "account.name"], ["email", "created_at", "account", "account.name"]),
    ],
)
def test_an_attribute_named_twice_is_one(chosen: Any, taken: list[str]) -> None:
    found = imported({"synchronized_attributes": chosen})
    assert sources(synchronized_attributes=chosen) == taken
    assert found.warnings == ()


# --- where the settings are ------------------------------------------------------------------------------------------

NAMES = [{"id": "s-1", "name": "Paying"}, {"id": "s-2", "name": 'Trial "b"\n\x7f'}, {"id": "s-3"}, "s-4"]
SHIP = {"id": "c-1", "name": "Mail", "private_settings": WHOLE, "settings": {}}


@pytest.mark.parametrize(
    "document",
    [WHOLE, SHIP, {"connector": SHIP, "segments": NAMES}, {"ship": SHIP}, {**SHIP, "connector": None}],
    ids=["bare", "connector", "notification", "old notification", "with nulls"],
)
def test_the_settings_are_found_wherever_hull_has_them(document: Any) -> None:
    assert sync(document).segments == ("s-1", "s-2")


@pytest.mark.parametrize(("document", "label"), [(WHOLE, ""), (SHIP, "Mail"), ({"connector": SHIP}, "Mail")])
def test_the_name_of_the_connector_is_the_label(document: Any, label: str) -> None:
    assert sync(document).label == label


def test_names_of_segments_are_comments() -> None:
    for document in ({"connector": SHIP, "segments": NAMES}, {**SHIP, "users_segments": NAMES}):
        text = imported(document).text
        assert '  "s-1",  # Paying\n' in text
        assert '  "s-2",  # Trial "b"\\n\\x7f\n' in text
        assert sync(document).segments == ("s-1", "s-2")
    assert '  "s-1",\n' in imported(SHIP).text


def test_segments_may_be_listed_with_their_names() -> None:
    found = imported({"synchronized_segments": [{"id": "s-1", "name": "Paying"}, {"id": 5}]})
    assert '  "s-1",  # Paying\n  "5",\n' in found.text


# --- what cannot be taken along --------------------------------------------------------------------------------------

LEFT_OUT = "is not a name; it is left out"
WARNED = [
    ({"credentials_title": None, "configuration_title": "Configuration", "events_filter": []}, []),
    ({"flow_control_size": 5}, ["'flow_control_size': has no counterpart here; it is left out"]),
    ({"token": "hush", "x": 1}, [f"{name!r}: has no counterpart here; it is left out" for name in ("token", "x")]),
    (
        {"max_attribute_value_length": "500"},
        ["max_attribute_value_length: has no counterpart: Customer.io's own limit of 1000 bytes holds here"],
    ),
    (
        {"synchronized_segments": ["*", "s-1"]},
        ["synchronized_segments[0]: '*' is left out: in Hull that was no segment, and here it would be everybody"],
    ),
    (
        {"events_filter": ["*"]},
        ["events_filter[0]: '*' is left out: in Hull that was no event, and here it would be all events"],
    ),
    ({"events_filter": ["a", "", None, True, {}]}, [f"events_filter[{number}]: {LEFT_OUT}" for number in (1, 2, 3, 4)]),
    (
        {"synchronized_segments": ["\0", "\ud800"]},
        [f"synchronized_segments[{number}]: {LEFT_OUT}" for number in (0, 1)],
    ),
    (
        {"synchronized_attributes": ["a/b", "a-b"]},
        ["synchronized_attributes: 'a/b' and 'a-b' both become 'a-b'; only the second is taken, as in Hull"],
    ),
    (
        {"synchronized_attributes": ["hull_segments"]},
        ["synchronized_attributes: 'hull_segments' is the attribute that lists the segments; it is left out"],
    ),
    (
        {"synchronized_attributes": ["_timestamp"]},
        [
            "synchronized_attributes: '_timestamp' is not accepted as a name in Customer.io: Customer.io takes it as "
            "the time of the update, and would drop newer values; it is left out"
        ],
    ),
    (
        {"synchronized_attributes": [f"a{number}" for number in range(300)]},
        ["synchronized_attributes: Customer.io holds 300 attributes a person; the last 3 are left out"],
    ),
]


@pytest.mark.parametrize(("private", "warnings"), WARNED)
def test_what_has_no_counterpart_is_named(private: dict[str, Any], warnings: list[str]) -> None:
    found = imported(LEAST | private)
    assert list(found.warnings) == warnings
    assert sync(LEAST | private).connection == "main"
    assert "hush" not in found.text


@pytest.mark.parametrize("as_given", [int, str, float, lambda _: "many", lambda _: None, lambda _: True, lambda _: []])
def test_limits_that_hull_had_anyway_are_no_news(as_given: Any) -> None:
    assert imported({name: as_given(usual) for name, usual in LIMITS.items()}).warnings == ()


REFUSED = [
    ([], "is no JSON object; give private_settings, or the connector that has them"),
    ("text", "is no JSON object; give private_settings, or the connector that has them"),
    ({}, f"has none of the settings of Hull's Customer.io connector: {', '.join(KNOWN)}"),
    ({"plan": 1}, f"has none of the settings of Hull's Customer.io connector: {', '.join(KNOWN)}"),
    ({"synchronized_segments": "s-1"}, "synchronized_segments: 's-1' is not accepted; it is a list in Hull"),
    ({"events_filter": {}}, "events_filter: a table is not accepted; it is a list in Hull"),
    ({"enable_user_deletion": "maybe"}, "enable_user_deletion: 'maybe' is not accepted; it is true or false in Hull"),
    ({"anonymous_events": 1}, "anonymous_events: 1 is not accepted; it is true or false in Hull"),
    ({"user_id_mapping": ["id"]}, "user_id_mapping: a list is not accepted; it is the name of an attribute"),
    ({"user_id_mapping": " "}, "user_id_mapping: '' is not accepted; name an upstream field"),
    (
        {"user_id_mapping": "account.id"},
        "user_id_mapping: 'account.id' is not accepted: many users share an account; name a field of the user",
    ),
]


@pytest.mark.parametrize(("document", "reason"), REFUSED)
def test_what_decides_about_people_is_not_guessed(document: Any, reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        imported(document)
    assert str(caught.value) == reason


# --- whatever comes --------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
FIELD = st.sampled_from(["plan", "a/b", "a-b", "account", "account.x", "id", "hull_segments", "*"]) | st.text(
    max_size=170
)
OWN = {
    "user_id_mapping": FIELD | JSON,
    "synchronized_attributes": st.lists(FIELD | JSON, max_size=6) | JSON,
    "synchronized_segments": st.lists(FIELD | st.fixed_dictionaries({"id": FIELD, "name": FIELD}), max_size=4) | JSON,
    "events_filter": st.lists(FIELD | JSON, max_size=4) | JSON,
    "enable_user_deletion": st.booleans() | JSON,
    "anonymous_events": st.booleans() | JSON,
    **dict.fromkeys(LIMITS, JSON),
}
PRIVATE = st.fixed_dictionaries({}, optional=OWN)
NOTIFICATION = st.fixed_dictionaries(
    {"private_settings": PRIVATE}, optional={"name": FIELD | JSON, "segments": JSON, "connector": JSON}
)
UNDERSTOOD = st.fixed_dictionaries(
    {name: st.lists(FIELD | JSON, max_size=6) for name in ("synchronized_attributes", "events_filter")},
    optional={"enable_user_deletion": st.booleans(), "x": JSON, "user_id_mapping": st.sampled_from(["id", "a/b", "n"])},
)


def loads(text: str, folder: Path) -> bool:
    """Whether the settings take the text for what it says."""
    path = folder / "imported.toml"
    path.write_text(text, "utf-8")
    loaded, written = schema.load(path, {}).syncs["main"], tomllib.loads(text)["syncs"]["main"]
    assert "*" not in loaded.segments + names(loaded)
    return [written["segments"], written["events"]] == [list(loaded.segments), list(names(loaded))]


@thorough
@given(PRIVATE | NOTIFICATION | st.dictionaries(st.text(max_size=8), JSON))
def test_any_object_gives_settings_that_load_or_is_refused_in_a_line(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    text, reason = "", ""
    try:
        text = imported(document).text
    except UnreadableError as error:
        reason = str(error)
    assert len(reason.splitlines()) == (0 if text else 1)
    assert not text or loads(text, tmp_path_factory.getbasetemp())


@thorough
@given(UNDERSTOOD)
@example({"events_filter": ["\x7f", "\u2028", "\\", '"', "\x85", "😀", "\r\n"], "synchronized_segments": ["#"]})
@example({"max_attribute_name_length": 10**400, "synchronized_attributes": ["traits_", "account.", "x" * 151]})
def test_whatever_stands_in_the_lists_the_settings_load(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    assert loads(imported(document).text, tmp_path_factory.getbasetemp())
