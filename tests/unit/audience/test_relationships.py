"""To which objects a user is related, by what upstream said in whatever order."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.audience import objects
from connector.audience import relationships as relating
from connector.audience.apply_change import merge
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.model.change import Change, ObjectChange, Relationship
from connector.model.entity import Entity, Facts, Identifier, Profile, Unconfirmed
from tests.build import after, change, rules, thorough

BOTH = {"type": "1", "from": ["object", "group", "account"], "relationship_attributes": ["role", "seat"]}
PLAIN = {"type": "2", "from": ["object"], "attributes": ["title"]}


def under(*types: dict[str, Any], **sync: Any) -> Rules:
    return rules(segments=["*"], segment_attribute="", objects=list(types or (BOTH, PLAIN)), **sync)


def told(*relationships: Relationship, **rest: Any) -> Change:
    return change(user=rest.pop("user", {"external_id": "1"}), relationships=relationships, **rest)


def related(*changes: Change, by: Rules | None = None) -> dict[str, dict[str, Any]]:
    by = by or under()
    return relating.wanted(after(changes, by).relationships, by)


ROLES = st.sampled_from([None, "admin", "guest"])
ATTRIBUTES = st.fixed_dictionaries({}, optional={"role": ROLES, "seat": st.integers(1, 2)})
RELATIONSHIPS = st.builds(
    Relationship, st.sampled_from(["1", "2", "3"]), st.sampled_from(["a", "b"]), ATTRIBUTES, st.booleans()
)
ACCOUNTS = st.sampled_from([{}, {"id": "a"}, {"id": "b"}, {"name": "no id"}])
MESSAGES = st.builds(
    lambda relationships, account, attributes, whole: change(
        user={"external_id": "1", **attributes}, relationships=relationships, account=account, whole=whole
    ),
    st.none() | st.lists(RELATIONSHIPS, max_size=3, unique_by=lambda each: (each.type, each.id)).map(tuple),
    ACCOUNTS,
    ATTRIBUTES,
    st.booleans(),
)


@pytest.mark.parametrize("on_exit", ["keep", "delete"])
@thorough
@given(st.lists(MESSAGES, min_size=1, max_size=6), st.data())
def test_relationships_may_come_in_any_order_and_twice(
    on_exit: str, messages: list[Change], data: st.DataObject
) -> None:
    by = under(on_exit=on_exit)
    versioned = [replace(each, version=version) for version, each in enumerate(messages, 1)]
    again = data.draw(st.lists(st.sampled_from(versioned), max_size=3))
    arranged = data.draw(st.permutations([*versioned, *again]))

    assert related(*arranged, by=by) == related(*versioned, by=by)


def test_an_attribute_moves_by_itself_and_one_that_is_not_chosen_is_not_sent() -> None:
    first = told(Relationship("1", "a", {"role": "admin", "seat": 1, "secret": 1}), version=1)
    second = told(Relationship("1", "a", {"seat": 2}), version=2)

    assert related(first, second) == {"1/a": {"role": "admin", "seat": 2}}


def test_what_a_group_says_counts_only_where_the_type_takes_it_from_there() -> None:
    said = told(Relationship("1", "a", origin="group"), Relationship("2", "b", origin="group"))

    assert related(said) == {"1/a": {}}


def test_a_user_has_one_account_and_its_attributes_are_the_users_own() -> None:
    first = change(user={"external_id": "1", "role": "admin"}, account={"id": "a"}, version=1)
    second = change(user={"external_id": "1"}, account={"id": "b"}, version=2)

    assert related(first, second) == {"1/b": {"role": "admin"}}


def test_what_is_said_of_the_relationship_itself_goes_before_what_the_user_says() -> None:
    account = change(user={"external_id": "1", "role": "guest", "seat": 3}, account={"id": "a"}, version=2)

    assert related(told(Relationship("1", "a", {"role": "admin"})), account) == {"1/a": {"role": "admin", "seat": 3}}


@pytest.mark.parametrize("id", ["x" * 151, "a\tb", "a\nb", "\ud800"])
def test_an_account_whose_id_can_be_no_object_is_a_problem_and_the_user_goes_on(id: str) -> None:
    merged = merge(Facts(), change(user={"external_id": "1"}, account={"id": id}), under())

    assert [each.kind for each in merged.problems] == ["identifier"]
    assert merged.standing is AudienceStatus.IN
    assert merged.objects == ()


def test_an_account_is_an_object_with_the_version_of_its_user_where_that_is_a_time() -> None:
    counted = merge(Facts(), change(user={"external_id": "1"}, account={"id": "a"}, version=7), under()).objects
    timed = merge(Facts(), change(user={"external_id": "1"}, account={"id": "a"}, version=10**15), under()).objects

    assert [each.version for each in (*counted, *timed)] == [None, 10**15]
    assert {(each.key, each.origin) for each in (*counted, *timed)} == {("1/a", "account")}


def test_a_user_who_is_deleted_is_related_to_nothing() -> None:
    gone = change(user={}, deleted=True, version=2)

    assert related(told(Relationship("1", "a"), version=1), gone) == {}


def test_within_reach_are_only_objects_that_are_there() -> None:
    by = under()
    facts = after([told(Relationship("1", "a", {"role": "x"}), Relationship("2", "b"))], by)
    delivered = Profile(Identifier("id", "1"), {}, relationships={"1/a": {"role": "x"}, "1/gone": {}})
    entity = Entity("u-1", facts, delivered, Unconfirmed(relationships=frozenset({"2/b", "1/gone"})))
    assert relating.mentioned(entity, by) == {"1/a", "2/b", "1/gone"}

    reached = relating.within(entity, {"1/a"}, by)
    assert relating.wanted(reached.facts.relationships, by) == {"1/a": {"role": "x"}}
    assert reached.delivered == delivered._replace(relationships={"1/a": {"role": "x"}})
    assert reached.tried.relationships == frozenset()


OBJECT_CHANGES = st.builds(
    lambda attributes, whole, gone: ObjectChange(
        "2", "c", attributes, whole=whole, deleted=gone == "deleted", left=gone == "left"
    ),
    st.fixed_dictionaries({}, optional={"title": st.sampled_from([None, "x", "y"]), "other": st.just(1)}),
    st.booleans(),
    st.sampled_from(["", "", "deleted", "left"]),
)


@pytest.mark.parametrize("on_exit", ["keep", "delete"])
@thorough
@given(st.lists(OBJECT_CHANGES, min_size=1, max_size=6), st.data())
def test_words_on_an_object_may_come_in_any_order_and_twice(
    on_exit: str, changes: list[ObjectChange], data: st.DataObject
) -> None:
    by = under({**PLAIN, "on_exit": on_exit})
    versioned = [replace(each, version=version) for version, each in enumerate(changes, 1)]
    again = data.draw(st.lists(st.sampled_from(versioned), max_size=3))

    def end(order: list[ObjectChange]) -> objects.Desired:
        facts = Facts()
        for each in order:
            facts = objects.merge(facts, each, by).facts
        return objects.desired(Entity("2/c", facts, kind="object"), by)

    assert end(data.draw(st.permutations([*versioned, *again]))) == end(versioned)


def test_an_object_that_is_only_named_is_wanted_without_attributes() -> None:
    named = objects.desired(Entity("2/c", objects.NAMED, kind="object"), under())

    assert named == Desired(AudienceStatus.IN, Profile(Identifier("object_id", "2/c"), {}))


def test_a_type_that_the_settings_do_not_name_is_not_touched() -> None:
    change = ObjectChange("9", "c", {"title": "x"})

    assert objects.merge(Facts(), change, under()) == objects.AppliedObjectChange(Facts())
    assert objects.desired(Entity("9/c", objects.NAMED, kind="object"), under()).person is None
