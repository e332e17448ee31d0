"""Who an identify means (docs/customerio.md#identity and #the-simulator, points 10 to 12)."""

import pytest

EMAIL = "user-1@example.com"


def test_unknown_names_create_a_person(world):
    world.identify({"id": "1"}, email=EMAIL, plan="free")

    assert world.names() == [("1", EMAIL)]
    assert world.person(id="1").attributes == {"plan": "free"}
    assert world.log("profile_create") == [{"by": "identify"}]


def test_a_known_name_updates_the_person(world):
    world.identify({"id": "1"}, plan="free")
    world.identify({"id": "1"}, plan="paid")

    assert world.names() == [("1", None)]
    assert world.person(id="1").attributes == {"plan": "paid"}


@pytest.mark.parametrize("same", ["user-1@example.com", "USER-1@Example.COM"])
def test_email_is_found_in_any_case(world, same):
    world.identify({"email": EMAIL}, plan="free")
    world.identify({"email": same}, plan="paid")

    assert world.names() == [(None, EMAIL)]


def test_ids_differ_by_case(world):
    world.identify({"id": "a"})
    world.identify({"id": "A"})

    assert len(world.live.people) == 2


def test_a_number_is_the_same_id_as_its_text(world):
    world.identify({"id": 12})
    world.identify({"id": "12"})

    assert world.names() == [("12", None)]


def test_a_new_id_with_a_known_email_rekeys_the_person(world):
    world.identify({"email": EMAIL}, plan="free")
    world.identify({"id": "1"}, email=EMAIL, plan="paid")

    assert world.names() == [("1", EMAIL)]
    assert world.all_but_arrivals() == []


def test_a_new_id_with_a_known_email_replaces_the_id_they_had(world):
    world.identify({"id": "old"}, email=EMAIL)
    world.identify({"id": "new"}, email=EMAIL)

    assert world.names() == [("new", EMAIL)]
    assert world.person(id="old") is None
    assert world.live.counts["rekeyed"] == 1


def test_names_of_two_people_are_a_logged_failure_and_the_rest_is_applied(world):
    world.identify({"id": "1"})
    world.identify({"id": "2"}, email=EMAIL)
    world.identify({"id": "1"}, email=EMAIL, plan="paid")

    assert world.names() == [("1", None), ("2", EMAIL)]
    assert world.person(id="1").attributes == {"plan": "paid"}
    assert world.log("failed_attribute_change") == [
        {"attribute": "email", "value": EMAIL, "reason": "belongs to another person"}
    ]


@pytest.mark.parametrize("other", ["2", "", None])
def test_a_set_id_does_not_change_through_the_email(world, other):
    world.identify({"id": "1"}, email=EMAIL)
    world.identify({"email": EMAIL}, id=other)

    assert world.names() == [("1", EMAIL)]
    assert len(world.log("failed_attribute_change")) == 1


def test_names_change_through_the_cio_id(world):
    world.identify({"id": "1"}, email=EMAIL)
    world.identify({"cio_id": world.person(id="1").cio_id}, id="2", email="user-2@example.com")

    assert world.names() == [("2", "user-2@example.com")]
    assert world.person(id="1") is None


@pytest.mark.parametrize(("allowed", "email"), [(True, "user-2@example.com"), (False, EMAIL)])
def test_an_email_changes_through_the_id_where_the_workspace_allows(world_with, allowed, email):
    world = world_with(email_change_by_id=allowed)
    world.identify({"id": "1"}, email=EMAIL)
    world.identify({"id": "1"}, email="user-2@example.com")

    assert world.names() == [("1", email)]


def test_an_unknown_cio_id_is_dropped_and_logged(world):
    world.identify({"cio_id": "b0"}, plan="free")

    assert world.names() == []
    assert world.log("failed_attribute_change") == [{"reason": "no person has this cio_id"}]


def test_update_never_creates(world):
    world.identify({"id": "1"}, _update=True, plan="free")

    assert world.names() == []
    assert world.log("failed_attribute_change") == [{"reason": "_update, and nobody matches"}]


def test_update_updates_and_is_no_attribute(world):
    world.identify({"id": "1"})
    world.identify({"id": "1"}, _update=True, plan="free")

    assert world.person(id="1").attributes == {"plan": "free"}


def test_cio_ids_are_counted_and_never_given_twice(world):
    world.identify({"id": "1"})
    first = world.person(id="1").cio_id
    world.do("delete", {"id": "1"})
    world.identify({"id": "1"})

    assert (first, world.person(id="1").cio_id) == ("a3000001", "a3000002")


def test_an_id_only_workspace_shares_emails(world_with):
    world = world_with(mode="id_only")
    world.identify({"id": "1"}, email=EMAIL)
    world.identify({"id": "2"}, email=EMAIL)
    world.identify({"id": "1"}, email=None)

    assert world.names() == [("1", None), ("2", None)]
    assert world.person(id="1").attributes == {}
    assert world.person(id="2").attributes == {"email": EMAIL}
    assert world.all_but_arrivals() == []


@pytest.mark.parametrize(("switch", "left"), [(True, [("1", EMAIL)]), (False, [("1", None), (None, EMAIL)])])
def test_auto_merge_joins_an_id_and_an_email(world_with, switch, left):
    world = world_with(auto_merge=switch)
    world.identify({"id": "1"}, plan="free")
    world.identify({"email": EMAIL}, plan="paid", city="Bern")
    world.identify({"id": "1"}, email=EMAIL)

    assert world.names() == left


def test_auto_merge_keeps_the_older(world_with):
    world = world_with(auto_merge=True)
    world.identify({"email": EMAIL}, plan="older")
    world.identify({"id": "1"}, plan="younger", city="Bern")
    world.identify({"id": "1"}, email=EMAIL, last=True)

    (person,) = world.live.people
    assert person.cio_id == "a3000001"
    assert person.attributes == {"plan": "older", "city": "Bern", "last": True}
    assert world.log("profile_merge")[0]["events"] == 0


def test_auto_merge_leaves_two_complete_people_alone(world_with):
    world = world_with(auto_merge=True)
    world.identify({"id": "1"}, email=EMAIL)
    world.identify({"id": "2"})
    world.identify({"id": "2"}, email=EMAIL)

    assert world.names() == [("1", EMAIL), ("2", None)]


def test_a_phone_number_finds_the_first_who_has_it(world):
    world.identify({"id": "1"}, phone="+41791234567")
    world.identify({"id": "2"}, phone="+41791234567")
    world.identify({"phone": "+41791234567"}, plan="paid")

    assert world.person(id="1").attributes == {"phone": "+41791234567", "plan": "paid"}
    assert world.person(id="2").attributes == {"phone": "+41791234567"}
    assert world.all_but_arrivals() == []


def test_a_phone_number_given_up_is_free(world):
    world.identify({"id": "1"}, phone="+41791234567")
    world.identify({"id": "1"}, phone=None)
    world.identify({"phone": "+41791234567"})

    assert len(world.live.people) == 2
