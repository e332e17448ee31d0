"""Delete, suppress, merge, devices, segments, objects (docs/customerio.md#delete-and-suppress, #merge, #objects)."""

import pytest

EMAIL = "user-1@example.com"
DAY = 86400
COMPANY = {"object_type_id": "1", "object_id": "acme"}


def related(**attributes):
    return [{"identifiers": COMPANY, "relationship_attributes": attributes}]


def test_deleting_nobody_is_fine(world):
    world.do("delete", {"id": "1"})

    assert world.all_but_arrivals() == []


def test_a_deleted_person_is_gone_with_everything(world):
    world.identify({"id": "1"}, email=EMAIL, plan="free")
    world.do("event", {"id": "1"}, name="x")
    world.do("delete", {"email": EMAIL})
    world.identify({"id": "1"})

    assert world.person(id="1").attributes == {}
    assert world.person(id="1").events == []
    assert [entry.identifiers["email"] for entry in world.live.log.of("profile_delete")] == [EMAIL]


@pytest.mark.parametrize("identifiers", [{"id": "1"}, {"email": EMAIL}, {"email": EMAIL.upper()}])
def test_a_suppressed_person_is_deleted_and_every_name_blocked(world, identifiers):
    world.identify({"id": "1"}, email=EMAIL)
    world.do("suppress", {"id": "1"})
    world.identify(identifiers, plan="free")
    world.do("event", identifiers, name="x")

    assert world.names() == []
    assert world.log("suppressed") == [{"by": "identify"}, {"by": "event"}]


def test_a_suppressed_email_blocks_a_call_under_another_id(world):
    world.identify({"email": EMAIL})
    world.do("suppress", {"email": EMAIL})
    world.identify({"id": "2"}, email=EMAIL)

    assert world.names() == []


def test_a_stranger_can_be_suppressed(world):
    world.do("suppress", {"id": "1"})
    world.identify({"id": "1"})

    assert world.names() == []


def test_unsuppress_frees_every_name_and_restores_nothing(world):
    world.identify({"id": "1"}, email=EMAIL, plan="free")
    world.do("suppress", {"id": "1"})
    world.do("unsuppress", {"email": EMAIL})
    world.identify({"id": "1"}, city="Bern")

    assert world.person(id="1").attributes == {"city": "Bern"}


def test_merge_gives_the_primary_what_it_lacks(world):
    world.identify({"id": "1"}, plan="free", city="")
    world.identify({"email": EMAIL}, plan="paid", city="Bern", age=5)
    world.do("merge", primary={"id": "1"}, secondary={"email": EMAIL})

    assert world.names() == [("1", EMAIL)]
    assert world.person(id="1").attributes == {"plan": "free", "city": "Bern", "age": 5}
    assert world.live.counts["merged"] == 1


def test_merge_moves_events_of_thirty_days_segments_devices_and_objects(world):
    segment = world.workspace.catalogue.make("s", "", world.now)
    world.identify({"id": "1"})
    world.do("event", {"id": "2"}, name="old", timestamp=world.now - 31 * DAY)
    world.do("event", {"id": "2"}, name="new", timestamp=world.now - 29 * DAY)
    world.do("add_device", {"id": "2"}, device={"token": "t", "platform": "ios"})
    world.do("add_relationships", {"id": "2"}, cio_relationships=related(role="owner"))
    world.do("add", type_="segment", segment_id=segment.id, ids=["2"], id_type="id")
    world.do("merge", primary={"id": "1"}, secondary={"id": "2"})

    person = world.person(id="1")
    assert [event.name for event in person.events] == ["new"]
    assert list(person.devices) == ["t"]
    assert list(person.relationships.values()) == [{"role": "owner"}]
    assert world.live.memberships.of(segment.id) == [person]


@pytest.mark.parametrize(("primary", "secondary"), [("9", "1"), ("1", "9"), ("1", "1")])
def test_merge_without_two_people_does_nothing_but_log(world, primary, secondary):
    world.identify({"id": "1"})
    world.do("merge", primary={"id": primary}, secondary={"id": secondary})

    assert world.names() == [("1", None)]
    assert len(world.log("failed_merge")) == 1


def test_a_device_is_added_updated_and_deleted(world):
    world.do("add_device", {"id": "1"}, device={"token": "t", "platform": "ios", "attributes": {"a": "1"}})
    world.do("add_device", {"id": "1"}, device={"token": "t", "platform": "ios", "last_used": 5})

    assert world.person(id="1").devices == {"t": {"platform": "ios", "last_used": 5, "attributes": {"a": "1"}}}
    world.do("delete_device", {"id": "1"}, device={"token": "t"})
    world.do("delete_device", {"id": "9"}, device={"token": "t"})
    assert world.person(id="1").devices == {}


def test_segments_take_known_people_and_ignore_the_others(world):
    segment = world.workspace.catalogue.make("s", "", world.now)
    world.identify({"id": "1"}, email=EMAIL)
    world.do("add", type_="segment", segment_id=segment.id, ids=["1", "9"], id_type="id")

    assert world.live.memberships.of(segment.id) == [world.person(id="1")]
    assert len(world.live.people) == 1
    assert world.log("unknown_member") == [{"segment_id": segment.id}]
    world.do("remove", type_="segment", segment_id=segment.id, ids=[EMAIL, "9"], id_type="email")
    assert world.live.memberships.of(segment.id) == []


def test_deleting_a_person_takes_them_out_of_segments_and_objects(world):
    segment = world.workspace.catalogue.make("s", "", world.now)
    world.do("identify", {"id": "1"}, attributes={}, cio_relationships=related())
    world.do("add", type_="segment", segment_id=segment.id, ids=["1"], id_type="id")
    world.do("delete", {"id": "1"})

    assert world.live.memberships.of(segment.id) == []
    assert not world.live.objects.find(COMPANY).people


def test_object_attributes_are_removed_by_null_and_by_empty_text(world):
    world.do("identify", COMPANY, "object", attributes={"a": 1, "b": 2, "c": 3})
    world.do("identify", COMPANY, "object", attributes={"a": None, "b": ""})

    assert world.live.objects.find(COMPANY).attributes == {"c": 3}


def test_a_cio_object_id_updates_and_does_not_create(world):
    world.do("identify", COMPANY, "object", attributes={})
    cio_object_id = world.live.objects.find(COMPANY).cio_object_id
    world.do("identify", {"cio_object_id": cio_object_id}, "object", attributes={"a": 1})
    world.do("identify", {"cio_object_id": "f0"}, "object", attributes={"a": 1})

    assert [thing.attributes for thing in world.live.objects] == [{"a": 1}]
    assert len(world.log("failed_attribute_change")) == 1


def test_relationships_can_be_made_and_ended_from_both_sides(world):
    person = [{"identifiers": {"id": "1"}, "relationship_attributes": {"role": "owner"}}]
    world.do("identify", COMPANY, "object", attributes={}, cio_relationships=person)
    thing = world.live.objects.find(COMPANY)

    assert world.person(id="1").relationships == {thing: {"role": "owner"}}
    world.do("delete_relationships", {"id": "1"}, cio_relationships=related())
    assert not thing.people
    world.do("add_relationships", COMPANY, "object", cio_relationships=person)
    world.do("delete_relationships", COMPANY, "object", cio_relationships=person)
    assert world.person(id="1").relationships == {}


@pytest.mark.parametrize("attributes", [{"plan": "team"}, [None]])
def test_add_relationships_of_an_object_sets_no_attributes_of_it(world, attributes):
    world.do("add_relationships", COMPANY, "object", cio_relationships=[], attributes=attributes)
    assert world.live.objects.find(COMPANY).attributes == {}


@pytest.mark.parametrize(
    "anonymous",
    [{"cio_relationships": [{"identifiers": {"anonymous_id": "a"}}]}, {"anonymous_id": "a"}],
)
def test_an_anonymous_relationship_waits_for_the_identify(world, anonymous):
    world.do("identify_anonymous", COMPANY, "object", attributes={"a": 1}, **anonymous)
    thing = world.live.objects.find(COMPANY)

    assert not thing.people
    world.identify({"id": "1"}, anonymous_id="a")
    assert list(thing.people) == [world.person(id="1")]


def test_a_deleted_object_takes_its_relationships_along(world):
    world.do("identify", {"id": "1"}, attributes={}, cio_relationships=related())
    world.do("delete", COMPANY, "object")
    world.do("delete", COMPANY, "object")

    assert world.person(id="1").relationships == {}
    assert len(world.live.objects) == 0


def test_an_anonymous_relationship_can_be_ended_before_and_after_the_identify(world):
    related = [{"identifiers": {"anonymous_id": "a"}}]
    world.do("identify_anonymous", COMPANY, "object", cio_relationships=related)
    world.do("delete_relationships", COMPANY, "object", cio_relationships=related)
    world.identify({"id": "1"}, anonymous_id="a")
    thing = world.live.objects.find(COMPANY)
    assert not thing.people

    world.do("add_relationships", COMPANY, "object", cio_relationships=related)
    assert list(thing.people) == [world.person(id="1")]
    world.do("delete_relationships", COMPANY, "object", cio_relationships=related)
    assert not thing.people
