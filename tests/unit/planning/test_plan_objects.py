"""What is sent of relationships, and of objects."""

from dataclasses import replace
from typing import Any

import pytest

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.customerio.responses import ACCEPTED, Rejected
from connector.model.entity import OBJECT_ID, Entity, Facts, Identifier, Profile, Unconfirmed
from connector.planning.attempt import Attempt, Claim, tried
from connector.planning.plan import is_owed, next_step
from connector.planning.settlement import PartlyRefused
from connector.planning.step import Step
from connector.store import encoding
from tests.build import actions, owed, person, rules, wanted

TYPE = {"type": "1", "attributes": ["name"], "relationship_attributes": ["role", "seat"]}
UNDER = rules(objects=[TYPE])
ACME = Identifier(OBJECT_ID, "1/acme")


def related(**relationships: dict[str, Any] | None) -> Profile:
    return person()._replace(relationships={f"1/{id}": attributes for id, attributes in relationships.items()})


def step(delivered: Profile | None, should: Profile, doubt: int = 0, *, by: Any = UNDER, **entity: Any) -> Step:
    return next_step(Entity("u-1", delivered=delivered, doubt=doubt, **entity), wanted(should), [owed()], by)


def sent(of: Step) -> dict[str, Any]:
    return {
        each.related[0]: each.item["cio_relationships"][0].get("relationship_attributes")
        for each in of.operations
        if each.related
    }


def test_a_new_person_is_identified_before_they_are_related() -> None:
    first = step(None, related(a={}))
    assert actions(first) == ["identify"]
    assert first.more
    second = step(first.after, related(a={}))
    assert actions(second) == ["add_relationships", "event"]
    assert (second.after, second.more) == (related(a={}), False)


def test_what_is_not_wanted_ends_and_what_differs_is_said_again_with_nulls_for_the_rest() -> None:
    held = related(a={}, b={"role": "x", "seat": 1}, c={"role": "y"})
    found = step(held, related(b={"seat": 2}, c={"role": "y"}, d={"role": "new"}))

    assert actions(found) == ["delete_relationships", "add_relationships", "add_relationships", "event"]
    assert sent(found) == {"1/a": None, "1/b": {"seat": 2, "role": None}, "1/d": {"role": "new"}}


def test_devices_go_before_relationships_each_in_a_step_of_its_own() -> None:
    should = related(a={})._replace(devices={"t": {"platform": "ios"}})
    first = step(person(), should)
    assert actions(first) == ["add_device", "event"]
    assert first.more
    assert actions(step(first.after, should)) == ["add_relationships", "event"]


def test_in_doubt_everything_is_said_again_and_what_may_be_there_is_ended() -> None:
    entity = {"tried": Unconfirmed(relationships=frozenset({"1/z"}))}
    first = step(related(a={"role": "x"}), related(a={"role": "x"}), 1, **entity)
    second = step(first.after, related(a={"role": "x"}))

    assert sent(second) == {"1/z": None, "1/a": {"role": "x", "seat": None}}


def test_a_relationship_too_large_for_one_item_is_said_in_several() -> None:
    large = {f"a{number}": "x" * 900 for number in range(60)}
    found = step(person(), related(a=large))

    parts = [each.item["cio_relationships"][0]["relationship_attributes"] for each in found.operations if each.related]
    assert len(parts) == 2
    assert parts[0] | parts[1] == large


def test_a_merge_leaves_relationships_uncertain() -> None:
    held = related(a={})
    moved = held._replace(identifier=Identifier("id", "2"))
    first = step(held, moved)
    second = step(first.after, moved)
    assert actions(second) == ["merge"]
    assert actions(step(second.after, moved)) == ["add_relationships", "event"]


def test_who_is_only_updated_is_related_by_identify() -> None:
    found = step(person(), related(a={"role": "x"}), by=rules(mode="update", on_exit="keep", objects=[TYPE]))

    (item, _) = (each.item for each in found.operations)
    assert (item["action"], item["attributes"]) == ("identify", {"_update": True})


def test_an_object_is_created_changed_and_deleted_in_its_own_form() -> None:
    def of_object(delivered: Profile | None, desired: Desired, doubt: int = 0) -> list[Any]:
        entity = Entity("1/acme", delivered=delivered, doubt=doubt, kind="object")
        return [each.item for each in next_step(entity, desired, (), UNDER).operations]

    names = {"object_type_id": "1", "object_id": "acme"}
    there = Profile(ACME, {"name": "Example"})
    should = Desired(AudienceStatus.IN, there)
    identify = {"type": "object", "identifiers": names, "action": "identify"}
    assert of_object(None, should) == [{**identify, "attributes": {"name": "Example"}}]
    assert of_object(there, should) == []
    assert of_object(Profile(ACME, {"old": 1}), should) == [
        {**identify, "attributes": {"name": "Example", "old": None}}
    ]
    assert of_object(there, Desired(AudienceStatus.DELETED, None)) == [
        {"type": "object", "identifiers": names, "action": "delete"}
    ]
    assert of_object(None, Desired(AudienceStatus.DELETED, None)) == []
    assert of_object(there, Desired(AudienceStatus.KEPT, None)) == []


@pytest.mark.parametrize("identify_by", ["id", "email", "cio_id", "id_or_email"])
@pytest.mark.parametrize("doubt", [0, 1])
@pytest.mark.parametrize("believed", [{}, {"Paying": False}], ids=["sound", "believed in a segment"])
def test_an_object_is_in_no_manual_segment(identify_by: str, doubt: int, believed: dict[str, bool]) -> None:
    by = rules(objects=[TYPE], manual_segments={"Paying": 7}, identify_by=identify_by)
    there = Profile(ACME, {"name": "Example"}, memberships=believed)
    entity = Entity("1/acme", delivered=there, doubt=doubt, kind="object")
    for should in (Desired(AudienceStatus.IN, there), Desired(AudienceStatus.DELETED, None)):
        found = next_step(entity, should, (), by)
        after = replace(entity, delivered=found.after, doubt=0)

        assert {each.endpoint for each in found.operations} <= {"batch"}
        assert not found.more
        assert not is_owed(after, should, by)


def test_what_was_tried_names_objects_by_their_keys() -> None:
    should = related(a={"role": "x"})
    assert tried(step(person(), should).operations).relationships == {"1/a"}
    entity = Entity("1/acme", kind="object")
    created = next_step(entity, Desired(AudienceStatus.IN, Profile(ACME, {"name": "x"})), (), UNDER)
    assert tried(created.operations) == Unconfirmed((ACME,), frozenset({"name"}))


def test_of_a_step_that_is_refused_in_part_the_rest_is_known() -> None:
    entity = Entity("u-1", Facts(entered=True), related(a={}, b={"role": "x"}))
    attempt = Attempt(
        Claim(entity, ()), UNDER, step(entity.delivered, related(b={"seat": 1}, c={})),
        wanted(related()), [], entity.delivered,
    )  # fmt: skip
    attempt.outcomes = [ACCEPTED, ACCEPTED, Rejected("no"), ACCEPTED]
    attempt.advance()

    settled = attempt.settlement()
    assert isinstance(settled, PartlyRefused)
    assert settled.after == related(a=None, b={"seat": 1})


def test_what_is_kept_comes_back_as_it_was() -> None:
    held = related(a={"role": "x"})
    assert encoding.person_of(encoding.person_text(held)) == held
    left = Unconfirmed((ACME,), frozenset({"n"}), frozenset(), frozenset({"1/a"}))
    assert encoding.tried_of(encoding.tried_text(left)) == left
