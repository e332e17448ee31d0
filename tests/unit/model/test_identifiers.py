"""One rule for keys and identifiers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.audience import mapping, placeholders
from connector.model import identifiers
from connector.model.change import Change, Event, ObjectChange, Relationship
from tests.build import change, rules

LISTED = identifiers.placeholders(identifiers.PLACEHOLDERS)
IDS = (
    st.text()
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.builds(
        lambda text, blank: blank + text + blank, st.text("a1@"), st.sampled_from("\u00a0 \t\u200b\ufeff\u3000")
    )
)


@given(IDS)
def test_the_key_and_the_identifier_are_read_alike(value: Any) -> None:
    [read] = formats.parse("native", {"user": {"id": value, "email": "ada@example.com"}})
    if not isinstance(read, Change):
        return  # a key with control characters is refused
    said = mapping.read(read, rules(identifier="id")).identity["identifier"]
    if said is not None:
        assert read.key == said
    elif read.key != "email:ada@example.com":
        assert identifiers.is_placeholder(read.key, LISTED) or not mapping.fits(read.key)


@pytest.mark.parametrize(
    "id",
    [
        "undefined",
        "Undefined",
        " null ",
        "NaN",
        "[object Object]",
        "nat",
        "<na>",
        "#n/a",
        "\\n",
        "0",
        "000",
        "0.0",
        "00000000-0000-0000-0000-000000000000",
    ],
)
def test_a_placeholder_is_no_id_whatever_its_form(id: str) -> None:
    assert identifiers.is_placeholder(id, LISTED)


@pytest.mark.parametrize("id", ["10", "1001", "-", ".", "nullable", "a0"])
def test_other_ids_are_no_placeholders(id: str) -> None:
    assert not identifiers.is_placeholder(id, LISTED)


@pytest.mark.parametrize(
    "message",
    [
        change(key="undefined"),
        change(key="external_id:null"),
        change(key="anonymous_id:0"),
        change(key="u-1", merged_into="undefined"),
        ObjectChange("1", "null"),
    ],
)
def test_a_message_that_names_its_user_by_a_placeholder_is_refused(message: Change | ObjectChange) -> None:
    assert "placeholder" in (placeholders.fault(message, LISTED) or "")
    assert placeholders.fault(message, frozenset()) is None


def test_a_visitor_or_an_object_named_by_a_placeholder_is_left_out_and_told() -> None:
    event = Event("e-1", "Signed up", anonymous_id="undefined")
    related = (Relationship("1", "acme"), Relationship("1", "null"))
    told = placeholders.without(change(anonymous_id="undefined", events=(event,), relationships=related), LISTED)
    assert (told.anonymous_id, told.events[0].anonymous_id, told.relationships) == (None, None, related[:1])
    assert len(told.left_out) == 2
