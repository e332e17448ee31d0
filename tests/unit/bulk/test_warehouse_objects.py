"""Rows of a source that are objects: their id, their type, their attributes, and what it means that a row is gone."""

from typing import Any

import pytest

from connector import formats
from connector.bulk.warehouse.object_rows import ObjectRows
from connector.errors import SettingsError, UnreadableError
from connector.model.change import Message, ObjectChange
from connector.settings.warehouse import WarehouseSource

ROW = {"number": 7, "title": "Example Ltd", "tier": None, "note": "x"}


def objects(**given: Any) -> ObjectRows:
    source = {"query": "SELECT 1", "key": "number", "kind": "objects", **given}
    return ObjectRows(WarehouseSource.model_validate(source), tuple(ROW), ())


def read(kind: ObjectRows, row: dict[str, Any]) -> list[Message]:
    return formats.parse("native", kind.message(row))


@pytest.mark.parametrize(
    ("given", "type", "attributes"),
    [
        ({}, "1", {"title": "Example Ltd", "tier": None, "note": "x"}),
        ({"object_type": "2", "columns": {"title": "name", "note": ""}}, "2", {"name": "Example Ltd", "tier": None}),
        ({"columns": {"number": "no", "note": "", "title": ""}}, "1", {"no": 7, "tier": None}),
        ({"columns": {"number": "", "note": "", "title": ""}}, "1", {"tier": None}),
        ({"columns": {"title": "number", "note": ""}}, "1", {"number": "Example Ltd", "tier": None}),
    ],
)
def test_a_row_is_an_object_with_its_other_columns_as_attributes(
    given: dict[str, Any], type: str, attributes: dict[str, Any]
) -> None:
    assert read(objects(**given), ROW) == [ObjectChange(type, "7", attributes, whole=True)]


def test_a_row_may_be_a_part_of_the_object() -> None:
    (found,) = read(objects(whole=False), ROW)
    assert isinstance(found, ObjectChange)
    assert not found.whole


def test_an_object_whose_row_is_gone_has_left_under_the_key_of_its_row() -> None:
    kind = objects(object_type="2")
    key = kind.key_of(kind.message(ROW))
    assert key == "7"
    assert kind.leaving(key) == ObjectChange("2", "7", left=True)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "the row has neither a text nor an integer in 'number'"),
        (" ", "neither a text nor an integer"),
        (1.5, "neither a text nor an integer"),
        ("x" * 151, "exceeds 150 bytes"),
        ("a\nb", "control characters"),
    ],
)
def test_a_row_without_an_id_that_customerio_takes_is_refused(value: Any, says: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        objects().message({**ROW, "number": value})
    assert says in str(caught.value)


def test_two_columns_that_become_one_attribute_are_refused() -> None:
    with pytest.raises(SettingsError, match="its columns title, note are all read as 'note'"):
        objects(columns={"title": "note"})
