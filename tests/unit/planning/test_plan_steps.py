"""Step after step, each taken as confirmed, Customer.io comes to hold what it should."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.customerio import batches
from connector.customerio.operations.operation import Operation
from connector.model.entity import Entity, Identifier, PendingEvent, Profile, Unconfirmed
from connector.model.limits import ITEM_BYTES
from connector.planning.plan import is_owed, next_step
from connector.planning.step import Step
from tests.build import actions, ident, owed, person, rules, thorough, wanted, without_nulls

MOST_STEPS = 8
ATTRIBUTES_A_CALL = 300
EVENTS = (owed("01A"), owed("01B"))

VALUES = st.none() | st.sampled_from([1, True, "x", ["a"], {"a": 1}])
IDS = st.sampled_from(["1001", "1002", "1003"])
ATTRIBUTES = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
DEVICES = st.dictionaries(st.sampled_from("xyz"), st.sampled_from([{"platform": "ios"}, {"platform": "android"}]))


@st.composite
def people(draw: st.DrawFn) -> Profile:
    """Somebody delivered, perhaps with identifiers that are not merged yet."""
    value = draw(IDS)
    former = draw(st.lists(IDS.filter(lambda each: each != value), unique=True, max_size=2))
    return Profile(ident(value), draw(ATTRIBUTES), tuple(map(ident, former)), draw(DEVICES))


@st.composite
def entities(draw: st.DrawFn, most_doubt: int = 1) -> Entity:
    tried = Unconfirmed(
        tuple(map(ident, draw(st.lists(IDS, unique=True, max_size=3)))),
        frozenset(draw(st.sets(st.sampled_from("cdef")))),
        frozenset(draw(st.sets(st.sampled_from("wz")))),
    )
    doubt = draw(st.integers(0, most_doubt))
    return Entity("u-1", delivered=draw(st.none() | people()), tried=tried, doubt=doubt)


PRESENT = st.builds(
    lambda value, attributes, devices: wanted(Profile(ident(value), attributes, devices=devices)),
    IDS,
    ATTRIBUTES,
    DEVICES,
)
GONE = st.sampled_from(
    [AudienceStatus.DELETED, AudienceStatus.CLEARED, AudienceStatus.NO_IDENTIFIER, AudienceStatus.NO_EMAIL]
)
DESIRED = PRESENT | GONE.map(lambda standing: wanted(None, standing))
WAYS = st.sampled_from(["merge", "replace", "keep", "leave"])


class Delivery:
    """Takes each step as confirmed; gathers the steps, and fails where there are too many."""

    def __init__(self, entity: Entity, desired: Desired, events: tuple[PendingEvent, ...], under: Rules) -> None:
        self.entity, self.desired, self.events, self.under = entity, desired, events, under
        self.before: list[Entity] = []
        self.steps = list(self._steps())

    def _steps(self) -> Iterator[Step]:
        for _ in range(MOST_STEPS):
            step = next_step(self.entity, self.desired, self.events, self.under)
            done = {operation.event for operation in step.operations} | set(step.dropped)
            self.events = tuple(event for event in self.events if event.id not in done)
            if not step.operations:
                return
            self.before.append(self.entity)
            self.entity = replace(self.entity, delivered=step.after, tried=Unconfirmed(), doubt=0)
            yield step
        pytest.fail("there is no end to it")


class World:
    """Customer.io as far as this matters: attributes by identifier; a merge gives what the primary lacks."""

    def __init__(self, entity: Entity) -> None:
        self.people: dict[tuple[str, Any], dict[str, Any]] = {}
        self.devices: dict[tuple[str, Any], dict[str, Any]] = {}
        delivered = entity.delivered
        for identifier in (delivered.identifier, *delivered.former) if delivered else ():
            self.people[identifier] = {k: v for k, v in delivered.attributes.items() if v is not None}  # type: ignore[union-attr]
        for identifier in entity.tried.identifiers if entity.doubt else ():
            self.people.setdefault(identifier, {}).update(dict.fromkeys(entity.tried.names, "tried"))
            self.devices[identifier] = {token: {"platform": "tried"} for token in entity.tried.tokens}
        if delivered:
            self.devices[delivered.identifier] = {**self.devices.get(delivered.identifier, {}), **delivered.devices}

    def take(self, operation: Operation) -> None:
        item = operation.item
        if item["action"] == "merge":
            ((primary,), (secondary,)) = item["primary"].items(), item["secondary"].items()
            if primary in self.people and secondary in self.people:
                self.people[primary] = self.people.pop(secondary) | self.people[primary]
                self.devices[primary] = self.devices.pop(secondary, {}) | self.devices.get(primary, {})
            return
        ((type_, value),) = item["identifiers"].items()
        assert value not in (None, "")
        if item["action"] == "delete":
            self.people.pop((type_, value), None)
            self.devices.pop((type_, value), None)
        elif item["action"] in ("add_device", "delete_device"):
            device = dict(item["device"])
            self.devices.setdefault((type_, value), {})[device.pop("token")] = device
            if item["action"] == "delete_device":
                del self.devices[type_, value][item["device"]["token"]]
            else:
                assert (type_, value) in self.people, "a device would have created a person"
        elif item["action"] == "identify":
            if (type_, value) in self.people or not item["attributes"].get("_update"):
                held = self.people.get((type_, value), {}) | item["attributes"]
                self.people[type_, value] = without_nulls(held | {"_update": None})
        else:
            assert (type_, value) in self.people, "an event would have created a person"


def settled(delivery: Delivery) -> tuple[Identifier, dict[str, Any], tuple[Identifier, ...]]:
    """What counts as delivered in the end: a null there is as good as nothing."""
    delivered = delivery.entity.delivered
    assert delivered is not None
    return delivered.identifier, without_nulls(delivered.attributes), delivered.former


def delivered_to(world: World, delivery: Delivery) -> dict[tuple[str, Any], dict[str, Any]]:
    for step in delivery.steps:
        for operation in step.operations:
            world.take(operation)
    return world.people


@thorough
@given(entities(), DESIRED, WAYS)
def test_it_comes_to_an_end_where_nothing_is_owed(entity: Entity, desired: Desired, way: Any) -> None:
    delivery = Delivery(entity, desired, EVENTS, rules(on_identifier_change=way))
    assert not is_owed(delivery.entity, desired, delivery.under)
    assert len(delivery.steps) <= 5


@thorough
@given(entities(), PRESENT, st.sampled_from(["merge", "replace", "leave"]))
def test_in_the_end_the_wanted_person_is_what_was_delivered(entity: Entity, desired: Desired, way: Any) -> None:
    delivery = Delivery(entity, desired, EVENTS, rules(on_identifier_change=way))
    assert settled(delivery) == (desired.person.identifier, without_nulls(desired.person.attributes), ())  # type: ignore[union-attr]
    assert delivery.events == ()


@thorough
@given(entities(), PRESENT)
def test_with_keep_the_first_identifier_stays(entity: Entity, desired: Desired) -> None:
    delivery = Delivery(entity, desired, EVENTS, rules(on_identifier_change="keep"))
    first = entity.delivered.identifier if entity.delivered else desired.person.identifier  # type: ignore[union-attr]
    assert settled(delivery) == (first, without_nulls(desired.person.attributes), ())  # type: ignore[union-attr]


@thorough
@given(entities())
def test_in_the_end_nobody_is_left_of_the_deleted(entity: Entity) -> None:
    delivery = Delivery(entity, wanted(None, AudienceStatus.DELETED), EVENTS, rules())
    assert delivery.entity.delivered is None
    assert delivered_to(World(entity), delivery) == {}
    assert delivery.events == ()


@thorough
@given(entities(most_doubt=0))
def test_in_the_end_nothing_is_left_on_the_cleared(entity: Entity) -> None:
    delivery = Delivery(entity, wanted(None, AudienceStatus.CLEARED), EVENTS, rules())
    people = delivered_to(World(entity), delivery)
    assert delivery.events == ()
    if entity.delivered:
        assert delivery.entity.delivered == entity.delivered._replace(attributes={}, devices={})
        assert people[entity.delivered.identifier] == {}


@thorough
@given(entities())
def test_in_the_end_no_device_is_left_to_the_cleared(entity: Entity) -> None:
    delivery, world = Delivery(entity, wanted(None, AudienceStatus.CLEARED), EVENTS, rules()), World(entity)
    delivered_to(world, delivery)
    unmerged = entity.delivered.former if entity.delivered else ()
    assert not any(devices for identifier, devices in world.devices.items() if identifier not in unmerged)


@thorough
@given(entities(), DESIRED, WAYS)
def test_what_must_be_confirmed_first_is_never_in_one_step(entity: Entity, desired: Desired, way: Any) -> None:
    delivery = Delivery(entity, desired, EVENTS, rules(on_identifier_change=way))
    for before, step in zip(delivery.before, delivery.steps, strict=True):
        done = set(actions(step))
        assert not {"identify", "merge"} <= done
        assert not {"identify", "event"} <= done or before.delivered is not None
        assert not {"delete", "event"} <= done


@thorough
@given(st.tuples(entities(), st.just("merge")) | st.tuples(entities(most_doubt=0), st.just("replace")), PRESENT)
def test_customer_io_is_left_with_one_person_who_is_as_wanted(known: tuple[Entity, str], desired: Desired) -> None:
    entity, way = known
    former = entity.delivered.former if entity.delivered else ()
    assume(way == "merge" or desired.person.identifier not in former)  # type: ignore[union-attr]
    delivery = Delivery(entity, desired, EVENTS, rules(on_identifier_change=way))
    world = World(entity)
    held = without_nulls(desired.person.attributes)  # type: ignore[union-attr]
    assert delivered_to(world, delivery) == {desired.person.identifier: held}  # type: ignore[union-attr]
    assert world.devices.get(desired.person.identifier, {}) == desired.person.devices  # type: ignore[union-attr]


@thorough
@given(entities(), PRESENT)
def test_with_leave_the_person_is_as_wanted_and_nobody_else_is_touched(entity: Entity, desired: Desired) -> None:
    delivery, world = Delivery(entity, desired, EVENTS, rules(on_identifier_change="leave")), World(entity)
    others = {each: dict(held) for each, held in world.people.items() if each != desired.person.identifier}  # type: ignore[union-attr]
    found = delivered_to(world, delivery)
    assert found == {**others, desired.person.identifier: without_nulls(desired.person.attributes)}  # type: ignore[union-attr]
    assert world.devices.get(desired.person.identifier, {}) == desired.person.devices  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "delivered", [None, person("1001", gone=1), person("1002", "1001", gone=1)], ids=["tried", "delivered", "former"]
)
def test_replacing_nulls_what_the_wanted_identifier_may_have(delivered: Profile | None) -> None:
    tried = Unconfirmed((ident("1001"), ident("1002")), frozenset({"gone"}))
    entity = Entity("u-1", delivered=delivered, tried=tried, doubt=1)
    delivery = Delivery(entity, wanted(person("1001")), (), rules(on_identifier_change="replace"))
    assert delivered_to(World(entity), delivery) == {ident("1001"): {}}


@thorough
@given(entities(), PRESENT)
def test_with_keep_the_person_is_as_wanted_under_the_first_identifier(entity: Entity, desired: Desired) -> None:
    people = delivered_to(World(entity), Delivery(entity, desired, EVENTS, rules(on_identifier_change="keep")))
    first = entity.delivered.identifier if entity.delivered else desired.person.identifier  # type: ignore[union-attr]
    assert people == {first: without_nulls(desired.person.attributes)}  # type: ignore[union-attr]


@pytest.mark.parametrize("attributes", [{}, {"plan": None}], ids=["gone", "null"])
def test_a_merge_brings_nothing_back(attributes: dict[str, Any]) -> None:
    entity = Entity("u-1", delivered=person("old", plan="pro"))
    people = delivered_to(World(entity), Delivery(entity, wanted(person("new", **attributes)), (), rules()))
    assert people == {ident("new"): {}}


def test_a_clearing_in_doubt_reaches_every_identifier() -> None:
    tried = Unconfirmed((ident("1002"),), frozenset({"plan"}))
    entity = Entity("u-1", delivered=person("1001", plan="pro"), tried=tried, doubt=1)
    people = delivered_to(World(entity), Delivery(entity, wanted(None, AudienceStatus.CLEARED), (), rules()))
    assert all(held == {} for held in people.values())


# --- people too large for one item -----------------------------------------------------------------------------------

TEXTS = st.sampled_from(["x" * 1000, "é" * 500, "short", 1, None])
LARGE = st.lists(TEXTS, min_size=26, max_size=80).map(lambda values: {f"a{n}": v for n, v in enumerate(values)})


def identifies(delivery: Delivery) -> list[Operation]:
    return [each for step in delivery.steps for each in step.operations if each.item["action"] == "identify"]


@thorough
@given(LARGE, st.booleans(), st.integers(0, 1))
def test_a_large_person_arrives_in_items_that_fit(attributes: dict[str, Any], known: bool, doubt: int) -> None:
    entity = Entity("u-1", delivered=person(a0="before") if known else None, doubt=doubt)
    delivery = Delivery(entity, wanted(person(**attributes)), EVENTS, rules())
    parts = batches.encode((each, each) for each in identifies(delivery))
    assert all(len(part.encoded) <= ITEM_BYTES for part in parts)
    assert settled(delivery) == (ident("1001"), without_nulls(attributes), ())
    assert delivered_to(World(entity), delivery) == {ident("1001"): without_nulls(attributes)}
    assert delivery.events == ()


def test_events_wait_for_the_last_part_of_a_large_person() -> None:
    large = person(**{f"a{n}": "x" * 1000 for n in range(80)})
    delivery = Delivery(Entity("u-1", delivered=person()), wanted(large), EVENTS, rules())
    assert [actions(step) for step in delivery.steps] == [
        ["identify"], ["identify"], ["identify", "event", "event"],
    ]  # fmt: skip
    assert [step.more for step in delivery.steps] == [True, True, False]


def test_twenty_five_full_attributes_go_in_one() -> None:
    full = person(**{f"{n:0>150}": "x" * 1000 for n in range(25)})
    delivery = Delivery(Entity("u-1"), wanted(full), (), rules())
    (part,) = batches.encode((each, each) for each in identifies(delivery))
    assert len(part.encoded) <= ITEM_BYTES


@pytest.mark.parametrize("character", ['"', "\n", "\x01"], ids=["quotes", "line ends", "control characters"])
def test_values_that_grow_as_json_are_weighed_as_json(character: str) -> None:
    grown = person(**{f"a{n}": character * 1000 for n in range(25)})
    delivery = Delivery(Entity("u-1"), wanted(grown), (), rules())
    parts = batches.encode((each, each) for each in identifies(delivery))
    assert all(len(part.encoded) <= ITEM_BYTES for part in parts)


def test_what_is_gone_from_a_large_person_is_nulled() -> None:
    entity = Entity("u-1", delivered=person(gone=1, **{f"a{n}": "y" for n in range(40)}))
    large = person(**{f"a{n}": "x" * 1000 for n in range(40)})
    people = delivered_to(World(entity), Delivery(entity, wanted(large), (), rules()))
    assert people == {ident("1001"): dict(large.attributes)}


def test_the_nulls_of_a_clearing_fit_into_items() -> None:
    entity = Entity("u-1", delivered=person(**{f"{n:0>150}": 1 for n in range(300)}))
    delivery = Delivery(entity, wanted(None, AudienceStatus.CLEARED), (), rules())
    parts = batches.encode((each, each) for each in identifies(delivery))
    assert all(len(part.encoded) <= ITEM_BYTES for part in parts)


def test_an_identify_has_no_more_attributes_than_customer_io_takes() -> None:
    entity = Entity("u-1", delivered=person(**{f"old{n}": 1 for n in range(200)}))
    delivery = Delivery(entity, wanted(person(**{f"new{n}": 1 for n in range(200)})), (), rules())
    assert all(len(each.item["attributes"]) <= ATTRIBUTES_A_CALL for each in identifies(delivery))
