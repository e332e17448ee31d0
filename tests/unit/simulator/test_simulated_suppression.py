"""Suppressed people, more than once (docs/customerio.md#delete-and-suppress)."""

import pytest

EMAIL = "u1@example.com"


@pytest.mark.parametrize("freed", [{"id": "u1"}, {"email": EMAIL}])
def test_who_is_suppressed_twice_is_free_again_under_every_name(world, freed):
    world.identify({"id": "u1"}, email=EMAIL)
    world.do("suppress", {"id": "u1"})
    world.do("suppress", {"id": "u1"})
    world.do("unsuppress", freed)
    world.identify({"id": "u1"}, email=EMAIL)

    assert world.names() == [("u1", EMAIL)]


def test_two_people_are_freed_apart(world):
    world.do("suppress", {"id": "u1"})
    world.do("suppress", {"id": "u2"})
    world.do("unsuppress", {"id": "u1"})
    world.identify({"id": "u1"})
    world.identify({"id": "u2"})

    assert world.names() == [("u1", None)]


def test_a_merge_into_somebody_suppressed_does_nothing(world):
    world.identify({"id": "u1"})
    world.identify({"id": "u2"})
    world.do("suppress", {"id": "u1"})
    world.do("merge", primary={"id": "u1"}, secondary={"id": "u2"})

    assert world.names() == [("u2", None)]


def test_a_delete_of_somebody_suppressed_frees_nothing(world):
    world.do("suppress", {"id": "u1"})
    world.do("delete", {"id": "u1"})
    world.identify({"id": "u1"})

    assert world.names() == []
