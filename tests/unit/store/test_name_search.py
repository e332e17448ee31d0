"""Who is known by a name, and what speaks of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from connector.model.entity import Entity, Facts, Profile, Unconfirmed
from connector.model.versioned import VersionedMap
from connector.store import name_search
from tests.build import ident, person, thorough

EMAIL = "u1@example.com"


def entity(**given: Any) -> Entity:
    return Entity(**{"key": "k1", **given})


def said(**identity: str) -> Facts:
    return Facts(identity=VersionedMap(identity))


@pytest.mark.parametrize(
    ("row", "user", "known"),
    [
        (entity(), "k1", {"key"}),
        (entity(), "K1", set()),
        (entity(), "k", set()),
        (entity(delivered=person("u1")), "u1", {"identifier"}),
        (entity(delivered=person("u1")), "U1", set()),
        (entity(delivered=person("u2", "u1")), "u1", {"identifier"}),
        (entity(tried=Unconfirmed((ident("u1"),))), "u1", {"identifier"}),
        (entity(delivered=Profile(ident(EMAIL, "email"), {})), EMAIL.upper(), {"identifier"}),
        (entity(delivered=person("u2", email=EMAIL)), EMAIL.upper(), {"identifier", "said"}),
        (entity(delivered=person("u2", plan="u1")), "u1", set()),
        (entity(facts=said(identifier="u1")), "u1", {"said"}),
        (entity(facts=said(identifier="u1", email=EMAIL)), EMAIL.upper(), {"said"}),
        (entity(facts=Facts(attributes=VersionedMap({"email": EMAIL}))), EMAIL, {"said"}),
        (entity(key="u1", delivered=person("u1"), facts=said(identifier="u1")), "u1", {"key", "identifier", "said"}),
    ],
)
def test_how_somebody_is_known(row: Entity, user: str, known: set[str]) -> None:
    assert name_search.known_as(row, user) == known


def test_the_names_of_somebody_are_key_identifiers_and_addresses() -> None:
    row = entity(key="K1", facts=said(email=EMAIL), delivered=person("u1", email="Other@example.com"))
    assert name_search.names(row, [ident("U1"), ident(" ")]) == {"k1", "u1", EMAIL, "other@example.com"}


def test_what_upstreams_write_for_no_address_is_nobodys_name() -> None:
    assert name_search.names(entity(facts=said(email="n/a")), []) == {"k1"}


@pytest.mark.parametrize(
    ("value", "names", "speaks"),
    [
        ("u1", ["u1"], True),
        ("U1", ["u1"], True),
        ("u10", ["u1"], False),
        ("the user 'u1' is there", ["u1"], True),
        ("id:u1 is held.", ["u1"], True),
        ("it is u1.", ["u1"], True),
        ("u1@example.com", ["u1"], False),
        ("u1-x", ["u1"], False),
        ("u1.5", ["u1"], False),
        ("a.u1", ["u1"], False),
        ({"a": [{"b": "u1"}]}, ["u1"], True),
        ({"u1": 0}, ["u1"], True),
        ({"a": [1, None, True, 0.5]}, ["u1"], False),
        ({"version": 1001}, ["1001"], False),
        ({"zip": "1001"}, ["1001"], False),
        ({"id": "1001"}, ["1001"], True),
        ({"external_id": 1001}, ["1001"], True),
        ({"ids": ["1", "1001"]}, ["1001"], True),
        ("id:1001 is the identifier of the user '1001' too", ["1001"], True),
        ("after 1001 seconds", ["1001"], False),
        ('{"userId": 1001, "broken', ["1001"], True),
        ('{"version": 1001, "broken', ["1001"], False),
        ("Ünï@Example.com wrote", ["ünï@example.com"], True),
    ],
)
def test_what_speaks_of_somebody(value: Any, names: list[str], speaks: bool) -> None:
    assert name_search.mentions(value, names) is speaks
    assert name_search.text_mentions(to_json(value).decode(), names) is speaks


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=8).map(str.lower)


@thorough
@given(NAMES, st.lists(JSON, max_size=3), JSON)
def test_a_name_is_found_wherever_it_stands_under_an_id(name: str, around: list[Any], other: Any) -> None:
    value = {"a": [*around, {"b": other, "id": name}]}
    assert name_search.text_mentions(to_json(value).decode(), [name])


@thorough
@given(JSON, st.text(max_size=20))
def test_nothing_speaks_of_a_name_that_is_nowhere(value: Any, text: str) -> None:
    assert not name_search.mentions(value, ["zzzzzzzzz@example.com"])
    assert not name_search.text_mentions(text, ["zzzzzzzzz@example.com"])
