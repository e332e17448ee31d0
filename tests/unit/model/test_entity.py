"""The words of a row."""

from dataclasses import FrozenInstanceError

import pytest

from connector.model.entity import Entity, Facts, Identifier
from connector.model.versioned import VersionedMap


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("email", "User-1@example.com"), ("email", "user-1@EXAMPLE.com"), True),
        (("email", "user-1@example.com"), ("email", "user-2@example.com"), False),
        (("id", "A"), ("id", "A"), True),
        (("id", "A"), ("id", "a"), False),
        (("cio_id", "a1"), ("cio_id", "A1"), False),
        (("id", "user-1@example.com"), ("email", "user-1@example.com"), False),
    ],
)
def test_only_email_addresses_compare_without_case(one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    assert Identifier(*one).same_as(Identifier(*other)) is same
    assert Identifier(*other).same_as(Identifier(*one)) is same


@pytest.mark.parametrize(
    ("facts", "newest"),
    [
        (Facts(), 0),
        (Facts(attributes=VersionedMap({}, 3)), 3),
        (Facts(VersionedMap({}, 3), VersionedMap({}, 5), VersionedMap({"email": None}, 4, {"email": 9})), 9),
    ],
)
def test_newest_is_the_newest_of_all_facts(facts: Facts, newest: int) -> None:
    assert facts.newest() == newest


def test_a_new_row_owes_and_knows_nothing() -> None:
    entity = Entity("u-1")
    assert (entity.delivered, entity.doubt, entity.revision, entity.facts) == (None, 0, 0, Facts())


def test_a_row_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Entity("u-1").doubt = 1  # type: ignore[misc]
