"""What becomes of attributes (docs/customerio.md#clearing and #the-simulator, points 8 and 12)."""

import pytest


def attributes_after(world, *changes, timestamps=()):
    for change, timestamp in zip(changes, timestamps or [None] * len(changes), strict=True):
        world.do("identify", {"id": "1"}, attributes=change, timestamp=timestamp)
    return world.person(id="1").attributes


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ([{"a": 1, "b": "x"}, {"a": None}], {"b": "x"}),
        ([{"a": 1}, {"missing": None}], {"a": 1}),
        ([{"a": "x"}, {"a": ""}], {"a": ""}),
        ([{"a": [1, {"b": True}]}], {"a": [1, {"b": True}]}),
        ([{"A": 1, "a": 2}], {"A": 1, "a": 2}),
        ([{"_timestamp": 5, "_update": False, "a": 1}], {"a": 1}),
        ([{"_created_in_customerio_at": 5, "timezone_valid": True, "a": 1}], {"a": 1}),
    ],
)
def test_values_are_kept_as_sent_null_removes_and_reserved_names_vanish(world, changes, held):
    assert attributes_after(world, *changes) == held


@pytest.mark.parametrize(
    ("timestamps", "held", "skipped"),
    [
        ((100, 200), 2, []),
        ((200, 100), 1, [["a"]]),
        ((200, 200), 2, []),
        ((200, None), 2, []),
        ((None, 200), 1, [["a"]]),
    ],
)
def test_the_last_write_wins_by_its_timestamp(world, timestamps, held, skipped):
    attributes = attributes_after(world, {"a": 1}, {"a": 2}, timestamps=timestamps)

    assert attributes == {"a": held}
    assert [entry["attributes"] for entry in world.log("skipped_update")] == skipped


def test_each_attribute_has_its_own_time(world):
    attributes = attributes_after(world, {"a": 1}, {"a": 2, "b": 2}, timestamps=(200, 100))

    assert attributes == {"a": 1, "b": 2}


def test_a_removed_attribute_forgets_its_time(world):
    attributes = attributes_after(world, {"a": 1}, {"a": None}, {"a": 3}, timestamps=(200, 300, 100))

    assert attributes == {"a": 3}


def test_the_timestamp_may_stand_among_the_attributes(world):
    attributes = attributes_after(world, {"a": 1, "_timestamp": 200}, {"a": 2, "_timestamp": 100})

    assert attributes == {"a": 1}


@pytest.mark.parametrize(
    ("value", "unsubscribed"),
    [(True, True), ("TRUE", True), ("true", True), (1, True), ("1", True), (False, False), ("yes", False), (0, False)],
)
def test_unsubscribed_is_any_casing_of_true_or_one(world, value, unsubscribed):
    attributes_after(world, {"unsubscribed": value})

    assert world.person(id="1").unsubscribed is unsubscribed


def test_a_flat_topic_key_leaves_the_other_topics_and_an_object_replaces_them(world):
    name = "cio_subscription_preferences"
    first = {name: {"topics": {"topic_1": True, "topic_2": True}}}

    assert attributes_after(world, first, {f"{name}.topics.topic_2": False}) == {
        name: {"topics": {"topic_1": True, "topic_2": False}}
    }
    assert attributes_after(world, {name: {"topics": {"topic_3": True}}}) == {name: {"topics": {"topic_3": True}}}


def test_a_flat_topic_key_needs_no_preferences_to_start_from(world):
    held = attributes_after(world, {"cio_subscription_preferences.topics.topic_1": True})

    assert held == {"cio_subscription_preferences": {"topics": {"topic_1": True}}}
